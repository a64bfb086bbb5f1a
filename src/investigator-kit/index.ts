/**
 * `muster/investigator-kit`: checks that an Investigator keeps its one promise, never Down without proof, whatever
 * becomes of the network. No test framework is needed: each check has a name and a function that throws.
 *
 * ```js
 * for (const { name, run } of investigatorChecks(({ url }) => ({ investigator: new Mine(url), host }))) test(name, run);
 * ```
 */
export { InvestigatorCheckError } from "./errors.ts";
export type { Endpoint } from "./endpoints.ts";
export {
  investigatorChecks,
  type InvestigatorCheck,
  type InvestigatorUnderCheck,
  type MakeInvestigator,
} from "./checks.ts";
