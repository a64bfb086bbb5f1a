import type { Virsh } from "../../../src/resources/kvm/virsh.ts";
import { virshFailure } from "../../../src/resources/kvm/virsh-failure.ts";

/** Output of a virsh command, or what it writes to stderr when it fails. */
export type Said = string | { readonly stderr: string };

/** A virsh that says what was captured from a real one, and remembers what it was asked. */
export class FakeVirsh implements Virsh {
  readonly asked: string[] = [];
  readonly #answers: (command: string) => Said;

  constructor(answers: (command: string) => Said) {
    this.#answers = answers;
  }

  run(args: readonly string[], how: { readonly onStart?: () => void }): Promise<string> {
    const command = args.join(" ");
    this.asked.push(command);
    how.onStart?.();
    const said = this.#answers(command);
    return typeof said === "string"
      ? Promise.resolve(said)
      : Promise.reject(virshFailure(args[0] ?? "", said.stderr));
  }
}
