/** The error that a call throws, for a closer look. */
export function thrownBy<E extends Error>(
  type: abstract new (...args: never[]) => E,
  call: () => unknown,
): E {
  try {
    call();
  } catch (error) {
    if (error instanceof type) return error;
    throw new Error(`It threw something else than a ${type.name}.`, { cause: error });
  }
  throw new Error(`It threw no ${type.name}.`);
}
