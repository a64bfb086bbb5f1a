/** The TypeScript that the documents show compiles against the sources, as strictly as they do. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const documents = [
  "README.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  ...readdirSync(join(root, "examples")).map((name) => `examples/${name}/README.md`),
].filter((path) => path.endsWith(".md"));
/** What a reader has at hand, from the first block or from around it. */
const given = `
import { StopVmCommand as GivenStopVm } from "muster/api";
import { AgentManager as GivenManager } from "muster/client";
declare global { var token: string; var muster: GivenManager; var StopVmCommand: typeof GivenStopVm; }
`;
const published = {
  "muster/api": "api",
  "muster/client": "client",
  "muster/investigator-kit": "investigator-kit",
  "muster/secrets": "secrets",
  "muster/workflow": "caller-workflow",
  "muster/workflow-activities": "caller-activities",
};

interface Block {
  readonly file: string;
  readonly where: string;
  readonly text: string;
}

function blocksOf(path: string): readonly Block[] {
  const markdown = readFileSync(join(root, path), "utf8");
  return [...markdown.matchAll(/^```(?:ts|typescript)\n(.*?)^```/gms)].map((match, i) => ({
    file: join(root, `test/unit/docs/${path.replace(/\W/g, "-")}-${i}.ts`),
    where: `${path}:${markdown.slice(0, match.index).split("\n").length}`,
    // A module, whatever it imports.
    text: `${match[1] ?? ""}\nexport {};\n`,
  }));
}

/** Complaints of the compiler, each with the document's line. */
function complaints(blocks: readonly Block[]): readonly string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (file) =>
    ts.sys.readFile(file),
  ) as {
    config: { compilerOptions: object };
  };
  const compilerOptions = {
    ...config.compilerOptions,
    noUnusedLocals: false,
    paths: Object.fromEntries(
      Object.entries(published).map(([name, folder]) => [name, [`./src/${folder}/index.ts`]]),
    ),
  };
  const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, root);
  const around = join(root, "test/unit/docs/given.ts");
  const texts = new Map([[around, given], ...blocks.map((one) => [one.file, one.text] as const)]);
  const host = ts.createCompilerHost(options);
  const [readFile, fileExists] = [host.readFile.bind(host), host.fileExists.bind(host)];
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (file, languageVersion, ...more) => {
    const text = texts.get(file);
    return text === undefined
      ? readSource(file, languageVersion, ...more)
      : ts.createSourceFile(file, text, languageVersion);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    const found = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return found.map(({ start = 0, messageText }) => {
      const line = source?.getLineAndCharacterOfPosition(start).line ?? 0;
      const where = blocks.find((one) => one.file === file)?.where ?? file;
      return `${where} +${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}

describe("documents", () => {
  it("their TypeScript - compiles", { timeout: 120_000 }, () => {
    const blocks = documents.flatMap((path) => blocksOf(path));
    expect(blocks.length).toBeGreaterThan(5);
    expect(complaints(blocks)).toEqual([]);
  });

  it(
    "a block that does not fit the sources - is found, with its place",
    { timeout: 120_000 },
    () => {
      const text = 'import { NoSuchCommand } from "muster/api";\nnew NoSuchCommand();\n';
      const file = join(root, "test/unit/docs/wrong.ts");
      const found = complaints([{ file, where: "docs/WRONG.md:7", text }]);
      expect(found).toEqual([expect.stringMatching(/^docs\/WRONG\.md:7 \+1: .*NoSuchCommand/)]);
    },
  );
});
