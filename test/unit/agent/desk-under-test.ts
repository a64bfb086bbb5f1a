/** A CommandDesk with a journal on disk, a host in memory and sessions under the test's control. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach } from "vitest";
import type {
  Answer,
  CommandTraits,
  ExecuteOptions,
  ResourceAnswer,
  ServerResource,
  WireCommand,
} from "../../../src/api/index.ts";
import { CommandDesk } from "../../../src/agent/command-desk.ts";
import { Journal } from "../../../src/agent/journal.ts";
import type { RequestOrigin } from "../../../src/agent/open-request.ts";
import { Outbox } from "../../../src/agent/outbox.ts";
import { ResourceSet } from "../../../src/agent/resource-set.ts";
import { createDecoder } from "../../../src/wire/codec.ts";
import type { ProgressFrame, RequestFrame, ResponseFrame } from "../../../src/wire/frames.ts";

const clean: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of clean.splice(0).reverse()) await step();
});

const reading: CommandTraits = {
  inSequence: false,
  idempotent: true,
  readOnly: true,
  needsNewResources: false,
  evacuation: false,
  check: true,
  waitSeconds: 30,
};
/** `Read` only reads, `Change` changes something, `Again` does and may be run twice. */
const traits: Readonly<Record<string, CommandTraits>> = {
  Read: reading,
  Change: { ...reading, readOnly: false, idempotent: false },
  Again: { ...reading, readOnly: false },
};

/** Carries out Commands as the test says; by default at once. */
class HostInMemory implements ServerResource {
  readonly name = "host";
  /** Ids of the Commands that it was given, in order. */
  readonly ran: string[] = [];
  execute: (command: WireCommand, options: ExecuteOptions) => Promise<object> = ({ type }) =>
    Promise.resolve({ type: `${type}Answer`, result: true });

  initialize() {
    return Promise.resolve({
      name: this.name,
      resourceType: "t",
      version: "1",
      commandTypes: traits,
    });
  }

  currentStatus() {
    return Promise.resolve({ healthy: true });
  }

  executeRequest(command: WireCommand, options: ExecuteOptions): Promise<ResourceAnswer> {
    this.ran.push(command.id);
    return this.execute(command, options) as Promise<ResourceAnswer>;
  }
}

/** A session that keeps what is written to it. */
class FakeOrigin implements RequestOrigin {
  readonly responses: ResponseFrame[] = [];
  readonly progress: ProgressFrame[] = [];
  onResponse: (frame: ResponseFrame) => void = (frame) => {
    this.responses.push(frame);
  };
  readonly #decode: ReturnType<typeof createDecoder>;

  constructor(frameBytesMax: number) {
    this.#decode = createDecoder({ bytesMax: frameBytesMax });
  }

  send(text: string): void {
    const frame = this.#decode(text);
    if (frame.kind === "response") this.onResponse(frame);
  }

  sendIfQuick(text: string): void {
    const frame = this.#decode(text);
    if (frame.kind === "progress") this.progress.push(frame);
  }

  /** The Answers of the nth Response, from 0. */
  answers(nth = 0): readonly Answer[] | undefined {
    return this.responses[nth]?.answers;
  }
}

interface DeskOptions {
  /** Where the journal is; a new directory when absent. */
  readonly home?: string;
  readonly frameBytesMax?: number;
}

/** One run of an agent's desk. */
export async function startDesk({ home, frameBytesMax = 1_048_576 }: DeskOptions = {}) {
  const directory = home ?? temporaryDirectory();
  const log = pino({ level: "silent" });
  const journal = new Journal(join(directory, "journal.jsonl"), log);
  await journal.load();
  clean.push(() => journal.close());
  const host = new HostInMemory();
  const resources = new ResourceSet([host], { zone: "z", cluster: "c" }, log);
  await resources.describe();
  const outbox = new Outbox(journal);
  const session = new FakeOrigin(frameBytesMax);
  const desk = new CommandDesk({
    resources,
    journal,
    outbox,
    log,
    frameBytesMax,
    send: (text) => {
      session.send(text);
    },
  });
  const give = (
    lane: "durable" | "direct",
    seq: number,
    commands: readonly WireCommand[],
    more: Partial<RequestFrame> = {},
  ) => {
    const waitMs = 60_000;
    desk.onRequest({ v: 1, kind: "request", seq, lane, commands, waitMs, ...more }, session);
  };
  return { directory, journal, host, outbox, session, desk, give };
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "muster-desk-"));
  clean.push(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}
