/** The Investigators by name: what the shipped ones do, whom they can speak of, and the activity that asks each. Pure. */

/** What each shipped Investigator does, as the Temporal UI and the worker's log say it. */
export const shippedInvestigators = {
  agent: "asks the agent itself over its socket",
  ping: "probes the host by ICMP and TCP",
  neighbour: "asks other hosts of the cluster what they see of it",
  kvm: "asks the host's libvirt over the network",
  redfish: "reads the host's power state from its BMC",
  simulator: "asks the simulator whether the host has power",
} as const;
export type ShippedInvestigator = keyof typeof shippedInvestigators;

/** What a name may look like; MUSTER_INVESTIGATORS takes no other. */
export const investigatorNamePattern = /^[a-z][a-z0-9-]{0,40}$/;

/** Resource types of which alone an Investigator knows anything; those that are not listed may know of any. */
const speaksOnlyOf: Readonly<Record<string, string>> = { kvm: "kvm", simulator: "simulator" };

/** Whether it is worth asking that Investigator about a host of that resource type. */
export function canSpeakOf(investigator: string, resourceType: string): boolean {
  return !Object.hasOwn(speaksOnlyOf, investigator) || speaksOnlyOf[investigator] === resourceType;
}

/** The activity type by which workers register an Investigator: `investigateByRackPdu` for `rack-pdu`. */
export function investigatorActivityType(investigator: string): string {
  const words = investigator.split("-").filter((word) => word !== "");
  return `investigateBy${words.map((word) => `${word[0]?.toUpperCase()}${word.slice(1)}`).join("")}`;
}

/** One line for the Temporal UI. Only its worker knows what an Investigator of a third party does. */
export function investigatorSummary(investigator: string): string {
  const does = Object.hasOwn(shippedInvestigators, investigator)
    ? shippedInvestigators[investigator as ShippedInvestigator]
    : "asks the module of that name";
  return `Investigator ${investigator}: ${does}`;
}
