/** As many of the first items as fit into bounds of number and bytes: one at least, unless there is none. */
export function firstWithin<T>(
  items: readonly T[],
  most: { readonly count: number; readonly bytes: number },
  bytesOf: (item: T) => number,
): readonly T[] {
  let bytes = 0;
  const end = items.findIndex((item, index) => {
    bytes += bytesOf(item);
    return index >= most.count || (index > 0 && bytes > most.bytes);
  });
  return end === -1 ? items : items.slice(0, end);
}
