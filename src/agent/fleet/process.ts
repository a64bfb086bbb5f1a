/** A child process of `muster sim`: simulates one slice of its fleet, until it is told to stop or its parent is gone. */
import { createLog } from "../../telemetry/log.ts";
import { HostsHere } from "./hosts-here.ts";
import { answerTo, Questions } from "./questions.ts";
import type { ElsewhereQuestion, FromSlice, SliceQuestion, ToSlice } from "./slice-messages.ts";
import type { HostsElsewhere, Refusal } from "../../resources/index.ts";

const stop = new AbortController();
let hosts: HostsHere | undefined;

function tell(message: FromSlice): void {
  process.send?.(message);
}

const questions = new Questions<ElsewhereQuestion>(tell);
const elsewhere: HostsElsewhere = {
  isThere: async (hostname) => (await questions.ask({ type: "isThere", hostname })) as boolean,
  receive: async (hostname, commandId, vm) =>
    (await questions.ask({ type: "receive", hostname, commandId, vm })) as Refusal | undefined,
};

function start({ order, logLevel }: Extract<ToSlice, { type: "start" }>): void {
  hosts = new HostsHere(order, createLog("sim", logLevel), elsewhere);
  const onOpen = (): void => {
    tell({ type: "open" });
  };
  hosts.run(stop.signal, onOpen).then(
    () => process.exit(0),
    (error: unknown) => {
      const details = error instanceof Error ? error.message : String(error);
      process.send?.({ type: "failed", details } satisfies FromSlice, () => process.exit(1));
    },
  );
}

function find(here: HostsHere | undefined, question: SliceQuestion): Promise<unknown> {
  if (here === undefined) return Promise.reject(new Error("It has not started yet."));
  switch (question.type) {
    case "news":
      return here.news();
    case "powers":
      return here.powers();
    case "look":
      return here.look(question.host);
    case "isThere":
      return here.isThere(question.host);
    case "setPower":
      return here.setPower(question.host, question.power);
    case "receive":
      return here.receive(question.host, question.commandId, question.vm);
  }
}

process.on("message", (message: ToSlice) => {
  switch (message.type) {
    case "start":
      start(message);
      return;
    case "strike":
      hosts?.strike(message.step, message.hosts);
      return;
    case "stop":
      stop.abort();
      return;
    case "ask":
      void answerTo(message, (question) => find(hosts, question)).then(tell);
      return;
    case "answer":
      questions.onAnswer(message);
      return;
  }
});
// Its parent was killed: as with a fleet in one process, nobody says goodbye.
process.once("disconnect", () => process.exit(1));
// The parent says when it ends; a signal to all processes of a terminal does not.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
