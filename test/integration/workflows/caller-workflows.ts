/** Workflows of callers, as their authors would write them; bundled for the sandbox by caller.test.ts. */
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  setHandler,
} from "@temporalio/workflow";
import { Command, ListVmsCommand, StopVmCommand, type Answer } from "../../../src/api/index.ts";
import {
  CommandFailure,
  commandSender,
  type RequestTicket,
  type SendOptions,
} from "../../../src/caller-workflow/index.ts";

export const stopSignal = defineSignal("stop");
export const goOnSignal = defineSignal("goOn");

/** What a caller can tell of a call. */
export interface Told {
  readonly answers?: readonly Answer[];
  readonly failure?: { readonly code: string; readonly outcome: string };
  readonly isCancelled?: boolean;
}

export async function sendOne(agentId: string, options: SendOptions = {}): Promise<Answer> {
  return await commandSender().send(agentId, new ListVmsCommand(), options);
}

class SetPasswordCommand extends Command {
  readonly type = "SetPassword";
  /** In no argument: so the caller's history has it from nowhere but the sending. */
  readonly password = "correct horse";
}
/** Sends a secret, telling the sender which field it is, or not. */
export async function sendSecret(agentId: string, isNamed: boolean): Promise<Told> {
  const secretFields = isNamed ? { SetPassword: ["password"] } : undefined;
  return await told(commandSender({ secretFields }).send(agentId, new SetPasswordCommand()));
}

export async function sendTwoBatches(agentId: string): Promise<readonly (readonly Answer[])[]> {
  const agents = commandSender({ signal: "answersOfMine" });
  const commands = [new ListVmsCommand(), new StopVmCommand({ vm: "a" })] as const;
  return await Promise.all([
    agents.sendBatch(agentId, commands, { onError: "continue" }),
    agents.sendBatch(agentId, commands),
  ]);
}

/** Sends in a scope that the signal `stop` cancels. */
export async function sendUntilStopped(agentId: string, options: SendOptions = {}): Promise<Told> {
  const agents = commandSender();
  const scope = new CancellationScope();
  setHandler(stopSignal, () => {
    scope.cancel();
  });
  return await scope.run(() => told(agents.send(agentId, new ListVmsCommand(), options)));
}

export async function sendCancelled(agentId: string): Promise<Told> {
  const agents = commandSender();
  const scope = new CancellationScope();
  scope.cancel();
  return await scope.run(() => told(agents.send(agentId, new ListVmsCommand())));
}

export async function tellFailure(agentId: string, options: SendOptions = {}): Promise<Told> {
  return await told(commandSender().send(agentId, new StopVmCommand({ vm: "a" }), options));
}

/** Submits, and waits in another run of itself, once it is told to. */
export async function submitAndContinue(
  agentId: string,
  ticket?: RequestTicket<Answer>,
): Promise<Answer> {
  const agents = commandSender();
  if (ticket !== undefined) return await agents.result(ticket);
  const submitted = await agents.submit(agentId, new ListVmsCommand());
  let goesOn = false;
  setHandler(goOnSignal, () => {
    goesOn = true;
  });
  await condition(() => goesOn);
  return await continueAsNew<typeof submitAndContinue>(agentId, submitted);
}

export async function submitAndCancel(agentId: string): Promise<unknown> {
  const agents = commandSender();
  const ticket = await agents.submitBatch(agentId, [new ListVmsCommand()]);
  const cancelled = await agents.cancel(ticket, "no longer needed");
  return { cancelled, answers: await agents.result(ticket) };
}

/** Waits for a moment, and sends; for being reset in between. */
export async function sendWhenTold(agentId: string): Promise<Answer> {
  const agents = commandSender();
  let goesOn = false;
  setHandler(goOnSignal, () => {
    goesOn = true;
  });
  await condition(() => goesOn);
  return await agents.send(agentId, new ListVmsCommand());
}

async function told(call: Promise<Answer>): Promise<Told> {
  try {
    return { answers: [await call] };
  } catch (error) {
    if (error instanceof CommandFailure) {
      const { code, outcome } = error;
      return { failure: { code, outcome } };
    }
    if (isCancellation(error)) return { isCancelled: true };
    throw error;
  }
}
