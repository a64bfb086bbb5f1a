/** Reads what a process tells Prometheus: text lines such as `name{label="value"} 12`. */

type Labels = Readonly<Record<string, string>>;

/** One reading of all figures. */
export interface Metrics {
  /** Sum of a figure over the labels that are wanted; 0 when there is none. */
  sum(name: string, wanted?: (labels: Labels) => boolean): number;
}

/**
 * @param token the operator API's, where that serves them.
 * @throws Error when the process does not answer.
 */
export async function readMetrics(url: string, token?: string): Promise<Metrics> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return parseMetrics(await response.text());
}

/** Lines that are no figure are passed over. */
function parseMetrics(text: string): Metrics {
  const figures = text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels: readLabels(labels), value: Number(value) }];
  });
  return {
    sum: (name, wanted = () => true) =>
      figures
        .filter((figure) => figure.name === name && wanted(figure.labels))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

function readLabels(text: string): Labels {
  const pairs = text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
  return Object.fromEntries(Array.from(pairs, ([, name = "", value = ""]) => [name, value]));
}
