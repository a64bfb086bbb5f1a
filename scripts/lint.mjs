/**
 * `node scripts/lint.mjs`: types and lint in one pass, since both need the types of the whole project, which is most of
 * the work of either. Later passes look again at those files only that a change can have reached: TypeScript names them,
 * by the shape of what each file imports. Files with findings are looked at every time. State lies in .cache/lint.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ESLint } from "eslint";
import ts from "typescript";

const self = fileURLToPath(import.meta.url);

if (process.argv[1] === self) {
  const { ok, output } = await lintPass(join(self, "..", ".."));
  process.stdout.write(output);
  process.exitCode = ok ? 0 : 1;
}

/**
 * One pass over the project in that folder, with its tsconfig.json and ESLint configuration.
 * @param {string} root absolute path
 * @returns {Promise<{ ok: boolean; output: string; linted: string[] }>} what was found, and the files that were linted
 */
export async function lintPass(root) {
  const cache = join(root, ".cache", "lint");
  const typesFile = join(cache, "types.json");
  const findingsFile = join(cache, "findings.json");
  const stamp = rulesStamp(root);
  const before = readFindings(findingsFile);
  if (before?.stamp !== stamp) rmSync(typesFile, { force: true });
  mkdirSync(cache, { recursive: true });

  const builder = openProgram(root, typesFile);
  const reached = reachedFiles(builder);
  const typeErrors = [
    ...builder.getConfigFileParsingDiagnostics(),
    ...builder.getOptionsDiagnostics(),
    ...builder.getSyntacticDiagnostics(),
    ...builder.getGlobalDiagnostics(),
    ...builder.getSemanticDiagnostics(),
  ];
  const isGood = (file) =>
    builder.getSourceFile(file) !== undefined &&
    !reached.has(file) &&
    before?.files.includes(relative(root, file)) === false;
  const { linted, findings, report } = await lint(root, builder.getProgram(), isGood);

  // In this order: should it end in between, the next pass looks at too much, never at too little.
  const files = findings.map(({ filePath }) => relative(root, filePath));
  writeFileSync(findingsFile, JSON.stringify({ stamp, files }));
  builder.emit();
  return {
    ok: typeErrors.length === 0 && findings.every(({ errorCount }) => errorCount === 0),
    output: formatTypeErrors(typeErrors, root) + report,
    linted: linted.map((file) => relative(root, file)),
  };
}

/** A program that remembers, in that file, what it knew of the files the last time. */
function openProgram(root, typesFile) {
  const { options, fileNames, errors } = ts.getParsedCommandLineOfConfigFile(
    join(root, "tsconfig.json"),
    { incremental: true, tsBuildInfoFile: typesFile },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
      },
    },
  );
  return ts.createIncrementalProgram({
    rootNames: fileNames,
    options,
    configFileParsingDiagnostics: errors,
    createProgram: ts.createSemanticDiagnosticsBuilderProgram,
  });
}

/** Checks the types of all that changed since the last pass, and gives the paths of all that a change can have reached. */
function reachedFiles(builder) {
  const reached = new Set();
  for (;;) {
    const next = builder.getSemanticDiagnosticsOfNextAffectedFile();
    if (next === undefined) break;
    const files = "fileName" in next.affected ? [next.affected] : next.affected.getSourceFiles();
    for (const { fileName } of files) reached.add(fileName);
  }
  // Those reached through others are not named, but nothing is known of them any more. Not public: see test/integration/scripts.
  const known = builder.state.semanticDiagnosticsPerFile;
  for (const { fileName, resolvedPath } of builder.getSourceFiles()) {
    if (!known.has(resolvedPath)) reached.add(fileName);
  }
  return reached;
}

/** Lints what `eslint .` would, less the files that are known to be good. */
async function lint(root, program, isGood) {
  const eslint = new ESLint({
    cwd: root,
    overrideConfig: {
      files: ["**/*.ts"],
      languageOptions: { parserOptions: { projectService: false, programs: [program] } },
    },
  });
  const linted = [];
  for (const file of ts.sys.readDirectory(root, [".ts"], ["**/node_modules"])) {
    if (!isGood(file) && !(await eslint.isPathIgnored(file))) linted.push(file);
  }
  const results = linted.length === 0 ? [] : await eslint.lintFiles(linted);
  const findings = results.filter(({ messages }) => messages.length > 0);
  const formatter = await eslint.loadFormatter("stylish");
  return { linted, findings, report: await formatter.format(findings) };
}

/** Digest of all that decides what is a finding, beside the files themselves. */
function rulesStamp(root) {
  const digest = createHash("sha256");
  const decisive = ["eslint.config.js", "package-lock.json", "tsconfig.json"];
  for (const file of [self, ...decisive.map((name) => join(root, name))]) {
    digest.update(readFileSync(file));
  }
  return digest.digest("hex");
}

function readFindings(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function formatTypeErrors(diagnostics, root) {
  return ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => root,
    getNewLine: () => "\n",
  });
}
