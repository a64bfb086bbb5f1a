import { verdicts, type Finding, type Investigator, type LostHost } from "../api/index.ts";
import {
  brokenEndpoints,
  silentEndpoint,
  type Endpoint,
  type RunningEndpoint,
} from "./endpoints.ts";
import { InvestigatorCheckError } from "./errors.ts";

/** An Investigator that looks where the check wants it to, and a host that it can look for there. */
export interface InvestigatorUnderCheck {
  readonly investigator: Investigator;
  readonly host: LostHost;
}

/** Aims an Investigator at an endpoint: by its own settings, or by the host's address, ports or facts. */
export type MakeInvestigator = (
  endpoint: Endpoint,
) => InvestigatorUnderCheck | Promise<InvestigatorUnderCheck>;

/** One check. `run` throws an InvestigatorCheckError that says what is wrong. */
export interface InvestigatorCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** What an Investigator gets in a check, in milliseconds, and how much longer the check waits for it. */
const timeoutMs = 500;
const patienceMs = 2_000;
/** The time of an Investigator that is cancelled: so long that it can't be what ended it. */
const longMs = 60_000;

/** Every check for an Investigator. Each makes one of its own. */
export function investigatorChecks(make: MakeInvestigator): readonly InvestigatorCheck[] {
  const broken = Object.entries(brokenEndpoints).map(([what, open]) => ({
    name: `${what} - is not Down, and said in words, in time`,
    run: () => at(open, make, looksInVain),
  }));
  return [
    { name: "name and summary - are there", run: () => at(silentEndpoint, make, introducesItself) },
    ...broken,
    {
      name: "a host of which nothing is known - is Unknown",
      run: () => at(silentEndpoint, make, knowsNothingOfStrangers),
    },
    {
      name: "a signal that aborts - ends it soon, and never as Down",
      run: () => at(silentEndpoint, make, (under) => endsWhenAborted(under, 50)),
    },
    {
      name: "a signal that has aborted already - ends it soon, and never as Down",
      run: () => at(silentEndpoint, make, (under) => endsWhenAborted(under, undefined)),
    },
  ];
}

async function at(
  open: () => Promise<RunningEndpoint>,
  make: MakeInvestigator,
  check: (under: InvestigatorUnderCheck) => Promise<void>,
): Promise<void> {
  const endpoint = await open();
  try {
    await check(await make(endpoint));
  } finally {
    await endpoint.close();
  }
}

function introducesItself({ investigator }: InvestigatorUnderCheck): Promise<void> {
  const { name, summary } = investigator;
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
    throw wrong(`its name "${name}" must be lower-case letters, digits and dashes`);
  }
  if (summary.trim() === "") throw wrong("its summary is empty: say what it does, in a few words");
  return Promise.resolve();
}

/** The endpoint proves nothing of the host, so a Down would be a guess. */
async function looksInVain({ investigator, host }: InvestigatorUnderCheck): Promise<void> {
  const finding = await find(investigator, host);
  if (finding.verdict === "Down") {
    throw wrong(`it said Down, where nothing proved it: "${finding.evidence}"`);
  }
}

async function knowsNothingOfStrangers(under: InvestigatorUnderCheck): Promise<void> {
  const { zone, cluster, resourceType } = under.host;
  const stranger = { agentId: "a-host-that-nobody-knows", zone, cluster, resourceType };
  const finding = await find(under.investigator, stranger);
  if (finding.verdict !== "Unknown") {
    throw wrong(`it said ${finding.verdict} of a host without address or facts, not Unknown`);
  }
}

/** An error is as good as an answer here: nobody waits for either. */
async function endsWhenAborted(
  { investigator, host }: InvestigatorUnderCheck,
  afterMs: number | undefined,
): Promise<void> {
  const ending = abortAfter(afterMs ?? 0);
  if (afterMs === undefined) ending.abort();
  const asked = investigator.investigate(host, { signal: ending.signal, timeoutMs: longMs });
  const ended = asked.then(
    (finding) => finding.verdict,
    () => "an error",
  );
  const verdict = await inTime(ended, (afterMs ?? 0) + patienceMs);
  if (verdict === "Down") throw wrong("it said Down when it was cancelled");
}

/** Asks as a worker does: the signal aborts when the time is up. */
async function find(investigator: Investigator, host: LostHost): Promise<Finding> {
  const { signal } = abortAfter(timeoutMs);
  const asked = investigator.investigate(host, { signal, timeoutMs });
  const finding = await inTime(asked, timeoutMs + patienceMs);
  checkFinding(finding);
  return finding;
}

/** Not AbortSignal.timeout: the garbage collector may take that one before it has aborted. */
function abortAfter(ms: number): AbortController {
  const controller = new AbortController();
  setTimeout(() => {
    controller.abort(new Error("The time is up."));
  }, ms).unref();
  return controller;
}

function checkFinding(finding: Finding): void {
  const { verdict, evidence, proof } = finding as Finding & { readonly proof?: unknown };
  if (!verdicts.includes(verdict)) {
    throw wrong(`its verdict is ${verdict}, not one of ${verdicts.join(", ")}`);
  }
  if (typeof evidence !== "string" || evidence.trim() === "") {
    throw wrong(`it said ${verdict} without evidence: say what was asked and what was seen`);
  }
  if (verdict === "Down" && (typeof proof !== "string" || proof.trim() === "")) {
    throw wrong(`it said Down without proof: "${evidence}"`);
  }
}

async function inTime<T>(asked: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(wrong(`it had not ended ${limitMs} ms later: mind \`signal\` and \`timeoutMs\``));
    }, limitMs);
  });
  try {
    return await Promise.race([asked, late]);
  } catch (error) {
    if (error instanceof InvestigatorCheckError) throw error;
    throw wrong(`it failed: ${String(error)}. Say Unknown, with what it saw`, error);
  } finally {
    clearTimeout(timer);
  }
}

function wrong(what: string, cause?: unknown): InvestigatorCheckError {
  return new InvestigatorCheckError(`The Investigator is wrong: ${what}.`, { cause });
}
