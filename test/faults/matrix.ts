/**
 * The cells of the fault matrix: what is broken, how, and at which moment of a Command's way. Names are
 * `target/fault/phase`.
 */

const processTargets = ["gateway", "worker", "agent", "temporal", "postgres"] as const;
export type ProcessTarget = (typeof processTargets)[number];

export const linkTargets = [
  "caller-gateway",
  "agent-gateway",
  "gateway-gateway",
  "gateway-temporal",
  "gateway-postgres",
  "worker-temporal",
  "worker-postgres",
] as const;
export type LinkTarget = (typeof linkTargets)[number];

/** `restart` is SIGTERM and a new start; `stop` is SIGSTOP and, 20 s later, SIGCONT. */
const processFaults = ["kill", "stop", "restart"] as const;
export type ProcessFault = (typeof processFaults)[number];
/** One-way cuts: what the first named sends is lost, or what the second does. */
const linkFaults = ["cut", "cut-there", "cut-back", "delay"] as const;
export type LinkFault = (typeof linkFaults)[number];

/** The Request is not written to the agent yet; its resource executes it; its Answer is not acked to the agent yet. */
const phases = ["unwritten", "executing", "unacked"] as const;
export type Phase = (typeof phases)[number];

export type Cell = { readonly name: string; readonly phase: Phase } & (
  | { readonly kind: "process"; readonly target: ProcessTarget; readonly fault: ProcessFault }
  | { readonly kind: "link"; readonly target: LinkTarget; readonly fault: LinkFault }
);

/** Every cell that exists. */
export const cells: readonly Cell[] = phases.flatMap((phase) => [
  ...processTargets.flatMap((target) =>
    processFaults.map((fault) => ({
      kind: "process" as const,
      name: `${target}/${fault}/${phase}`,
      target,
      fault,
      phase,
    })),
  ),
  ...linkTargets.flatMap((target) =>
    linkFaults.map((fault) => ({
      kind: "link" as const,
      name: `${target}/${fault}/${phase}`,
      target,
      fault,
      phase,
    })),
  ),
]);

/** Combinations of the full product that are no cells, and why. */
export const leftOut: readonly string[] = [
  "A network can't be killed, stopped or restarted: links have cut, cut-there, cut-back and delay.",
  "A process can't be cut or delayed but by its links, which are targets of their own.",
  "An agent has no link to Temporal or PostgreSQL, a worker none to agents, callers or gateways.",
  "Callers that are Temporal workflows, and the Temporal UI, have no link of their own here.",
];

/** The cells whose name contains one of the words; all without words. */
export function chosenCells(words: readonly string[]): readonly Cell[] {
  if (words.length === 0) return cells;
  return cells.filter(({ name }) => words.some((word) => name.includes(word)));
}
