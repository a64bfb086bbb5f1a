import { describe, expect, it } from "vitest";
import {
  decideAdmission,
  refusalRetryMs,
  refuseVersion,
  type AdmissionFacts,
  type AdmissionRefusal,
} from "../../../src/lifecycle/admission.ts";

const kvm = { name: "host", resourceType: "kvm" };
const claim = { zone: "z1", cluster: "c1", resourceType: "kvm", resources: [kvm] };
const known = { type: "known", secret: "right", removed: false, resourceType: "kvm" } as const;
const invited = { type: "unknown", joinToken: "right" } as const;
const place = { zoneKnown: true, clusterType: "kvm" };
const zoneOnly = { zoneKnown: true, clusterType: undefined };
const nowhere = { zoneKnown: false, clusterType: undefined };
const good: AdmissionFacts = {
  agentId: "a1",
  identity: known,
  place,
  claim,
  openAdmission: false,
};

interface Row {
  readonly when: string;
  readonly facts: Partial<AdmissionFacts>;
  readonly refused?: AdmissionRefusal;
  readonly learns?: boolean;
  readonly proven?: boolean;
  /** What the refusal has to name, so that somebody can correct it. */
  readonly says?: readonly string[];
}

const mixed = { ...claim, resources: [kvm, { name: "disk", resourceType: "nfs" }] };
const rows: readonly Row[] = [
  { when: "a known agent in its cluster", facts: {} },
  { when: "an invited one in a declared cluster", facts: { identity: invited } },
  {
    when: "an invited one in an unknown cluster, in open mode",
    facts: { identity: invited, place: nowhere, openAdmission: true },
    learns: true,
  },
  {
    when: "a known one that moves to another cluster of its type",
    facts: { claim: { ...claim, cluster: "c2" } },
  },
  {
    when: "a known one that moves to an unknown cluster, in open mode",
    facts: { place: zoneOnly, openAdmission: true },
    learns: true,
  },
  {
    when: "an unknown one without join token",
    facts: { identity: { type: "unknown", joinToken: "none" } },
    refused: "JOIN_TOKEN_NEEDED",
    says: ["a1", "MUSTER_JOIN_TOKEN"],
  },
  {
    when: "an unknown one with a wrong join token, told nothing of places",
    facts: { identity: { type: "unknown", joinToken: "wrong" }, place: nowhere },
    refused: "JOIN_TOKEN_WRONG",
    says: ["MUSTER_JOIN_TOKEN"],
  },
  {
    when: "a known one with another secret",
    facts: { identity: { ...known, secret: "wrong" } },
    refused: "SECRET_WRONG",
    says: ["a1", "remove the old agent"],
  },
  {
    when: "a removed one with its old secret",
    facts: { identity: { ...known, removed: true } },
    refused: "REMOVED",
    says: ["a1", "new agent id"],
  },
  {
    when: "a removed one with any secret",
    facts: { identity: { ...known, secret: "wrong", removed: true } },
    refused: "REMOVED",
  },
  {
    when: "a known one in a zone that is not there",
    facts: { place: nowhere },
    refused: "ZONE_UNKNOWN",
    proven: true,
    says: ["zone z1", "muster zone add z1", "muster cluster add z1 c1 --type kvm"],
  },
  {
    when: "an invited one in a cluster that is not there",
    facts: { identity: invited, place: zoneOnly },
    refused: "CLUSTER_UNKNOWN",
    says: ["cluster c1", "muster cluster add z1 c1 --type kvm", "MUSTER_OPEN_ADMISSION"],
  },
  {
    when: "a known one in a cluster of another type",
    facts: { place: { zoneKnown: true, clusterType: "simulator" } },
    refused: "RESOURCE_TYPE_MISMATCH",
    proven: true,
    says: ["c1", "simulator", "kvm"],
  },
  {
    when: "one whose resources are of two types, also where its place is learnt",
    facts: { claim: mixed, place: nowhere, openAdmission: true, identity: invited },
    refused: "RESOURCE_TYPE_MISMATCH",
    says: ["disk", "nfs"],
  },
  {
    when: "a known one that is of another type than before, in a cluster of the new one",
    facts: { identity: { ...known, resourceType: "simulator" } },
    refused: "RESOURCE_TYPE_CHANGED",
    proven: true,
    says: ["simulator", "kvm", "muster remove a1"],
  },
];

describe("admission", () => {
  it.each(rows.filter(({ refused }) => refused === undefined))(
    "admission - $when is admitted",
    ({ facts, learns = false }) => {
      expect(decideAdmission({ ...good, ...facts })).toEqual({ type: "admitted", learns });
    },
  );

  it.each(rows.filter(({ refused }) => refused !== undefined))(
    "admission - $when is refused: $refused",
    ({ facts, refused, proven = false, says = [] }) => {
      const decision = decideAdmission({ ...good, ...facts });
      expect(decision).toMatchObject({ type: "refused", code: refused, proven, retryable: false });
      for (const words of says)
        expect(decision).toMatchObject({ message: expect.stringContaining(words) as string });
    },
  );

  it("admission - an agent of another protocol version is told both versions and what to install", () => {
    const { code, message } = refuseVersion(2, 1);
    expect(code).toBe("UNSUPPORTED_VERSION");
    expect(message).toMatch(/version 2 .*version 1.*Install a release.*version 1/s);
  });
});

describe("rest of a refused agent", () => {
  const rest = (code: string, retryable: boolean, random: number) =>
    refusalRetryMs({ code, retryable }, random);

  it("rest - about a minute for a wrong set-up, spread so that a fleet does not come back at once", () => {
    expect(rest("CLUSTER_UNKNOWN", false, 0)).toBe(45_000);
    expect(rest("CLUSTER_UNKNOWN", false, 0.5)).toBe(60_000);
    expect(rest("CLUSTER_UNKNOWN", false, 0.999_999)).toBe(75_000);
  });

  it("rest - longer for what never changes, shorter for what passes by itself", () => {
    expect(rest("REMOVED", false, 0.5)).toBe(300_000);
    expect(rest("VETOED", true, 0.5)).toBe(5_000);
  });
});
