import { randomUUID } from "node:crypto";
import { Context } from "@temporalio/activity";
import {
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
} from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import type { WireCommand } from "../api/index.ts";
import type { AdmitArgs, Admitted, CommandActivities } from "../caller-workflow/activity-types.ts";
import { NoKeyError } from "../secrets/errors.ts";
import { Keyring } from "../secrets/keyring.ts";
import { sealCommand } from "../secrets/sealed-fields.ts";
import {
  admitUpdate,
  agentWorkflowId,
  cancelUpdate,
  requestQuery,
  type AdmitMessage,
  type AdmitResult,
  type ToBeSealed,
} from "../workflows/agent-messages.ts";

export interface CommandActivitiesOptions {
  /**
   * A client of the namespace that Muster's workers run in. Where Muster encrypts (MUSTER_PAYLOAD_KEY), it needs the same
   * payload codec, and so does the caller's worker, which reads the Answers' signal.
   */
  readonly client: Client;
  /** Keys of MUSTER_PAYLOAD_KEY, which secret fields of Commands are sealed with. Absent: those can't be sent. */
  readonly keyring?: Keyring | undefined;
}

/** One call of Temporal; the workflow decides how long it is tried again. */
const callMs = 5_000;
const invalidArgument = 3;

/** Activities for a caller's Worker: `Worker.create({ activities: { ...yours, ...createCommandActivities({ client }) } })`. */
export function createCommandActivities({
  client,
  keyring = Keyring.empty,
}: CommandActivitiesOptions): CommandActivities {
  const lifecycleOf = (agentId: string) => client.workflow.getHandle(agentWorkflowId(agentId));
  const inTime = async <T>(call: () => Promise<T>): Promise<T> =>
    await client.withDeadline(Date.now() + callMs, call);

  const admit = async (agentId: string, message: AdmitMessage) => {
    const options = { args: [message] as [AdmitMessage], updateId: randomUUID() };
    return await inTime(() => lifecycleOf(agentId).executeUpdate(admitUpdate, options));
  };

  return {
    musterSeal({ agentId, commands, secretFields }) {
      return Promise.resolve(seal(keyring, agentId, commands, secretFields));
    },

    async musterAdmit(args) {
      const { agentId } = args;
      const message = messageOf(args);
      try {
        return admittedOf(
          await admit(agentId, message).catch(async (error: unknown) => {
            const secretFields = toBeSealed(error);
            if (secretFields === undefined) throw error;
            const commands = seal(keyring, agentId, message.commands, secretFields);
            return await admit(agentId, { ...message, commands });
          }),
        );
      } catch (error) {
        throw refusalOf(error, agentId) ?? error;
      }
    },

    async musterFindRequest({ agentId, requestId }) {
      try {
        return await inTime(() => lifecycleOf(agentId).query(requestQuery, requestId));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },

    async musterCancel({ agentId, requestId, reason }) {
      const options = {
        args: [{ requestId, reason: reason.slice(0, reasonCharsMax) }] as [
          { requestId: string; reason: string },
        ],
        updateId: randomUUID(),
      };
      try {
        return await inTime(() => lifecycleOf(agentId).executeUpdate(cancelUpdate, options));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return "unknown";
        throw error;
      }
    },
  };
}

const reasonCharsMax = 1_000;

function messageOf(args: AdmitArgs): AdmitMessage {
  const { requestId, commands, onError, waitSeconds, replyTo } = args;
  const { attempt, scheduledTimestampMs } = Context.current().info;
  return {
    requestId,
    commands,
    onError,
    ...(waitSeconds !== undefined && { waitSeconds }),
    replyTo: { type: "workflow", ...replyTo },
    refuseInClear: true,
    ...(attempt > 1 && { repeatAgoMs: Math.max(0, Date.now() - scheduledTimestampMs) }),
  };
}

/** What the lifecycle refused because it is in clear. */
function toBeSealed(error: unknown): ToBeSealed["secretFields"] | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure)) return undefined;
  return (cause.details?.[0] as Partial<ToBeSealed> | undefined)?.secretFields;
}

/** @throws ApplicationFailure PAYLOAD_KEY_NEEDED */
function seal(
  keyring: Keyring,
  agentId: string,
  commands: readonly WireCommand[],
  secretFields: ToBeSealed["secretFields"],
): readonly WireCommand[] {
  try {
    return commands.map((command) =>
      sealCommand(keyring, agentId, command, secretFields[command.type] ?? []),
    );
  } catch (error) {
    if (error instanceof NoKeyError) throw refused(error.code, error.message, error);
    throw error;
  }
}

function admittedOf(result: AdmitResult): Admitted {
  if (result.state === "settled") return { state: "settled", answers: result.answers };
  const { waitMs } = result.deliver === "caller" ? result.request : result;
  return { state: "pending", waitMs };
}

/** The failure for a Request that trying again does not help; undefined for all else. */
function refusalOf(error: unknown, agentId: string): ApplicationFailure | undefined {
  if (error instanceof WorkflowNotFoundError) {
    const message = `Agent ${agentId} is not registered here, or was removed: check its id and the client's namespace.`;
    return refused("AGENT_UNKNOWN", message, error);
  }
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    const { type, message } = error.cause;
    return refused(type === "REMOVED" ? "AGENT_REMOVED" : (type ?? "INTERNAL"), message, error);
  }
  if (error instanceof Error && isGrpcServiceError(error.cause)) {
    const status: number = error.cause.code;
    if (status === invalidArgument) return refused("INVALID_REQUEST", error.cause.details, error);
  }
  return undefined;
}

/** Codes of an agent that is gone: an earlier try may have found it. */
const gone: ReadonlySet<string> = new Set(["AGENT_UNKNOWN", "AGENT_REMOVED"]);

function refused(type: string, message: string, cause: Error): ApplicationFailure {
  const isRepeated = Context.current().info.attempt > 1;
  const mayHaveRun = type === "REQUEST_FORGOTTEN" || (isRepeated && gone.has(type));
  const outcome = mayHaveRun ? "unknown" : "notSent";
  const details = [{ outcome }];
  return ApplicationFailure.create({ type, message, nonRetryable: true, details, cause });
}
