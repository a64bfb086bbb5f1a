import js from "@eslint/js";
import { builtinModules } from "node:module";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

// What Temporal's bundler refuses in the sandbox, said by a rule with a name.
const outsideSandbox = [
  ...builtinModules.flatMap((name) => [name, `node:${name}`]),
  ...["activity", "client", "worker", "testing"].map((name) => `@temporalio/${name}`),
];

export default defineConfig(
  {
    ignores: ["dist/", ".muster/", "**/*.cjs", "**/*.mjs", "eslint.config.js", "examples/*/dist/"],
  },
  {
    files: ["**/*.ts"],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: {
      // For editors and single files; scripts/lint.mjs brings the program that it has checked the types of.
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // It looks at every assignment for enums, of which erasableSyntaxOnly allows none, and takes as long as twenty others.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "no-console": "error",
      "max-lines": ["error", { max: 400, skipComments: true, skipBlankLines: true }],
      "max-lines-per-function": ["error", { max: 70, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    // A describe() block is one function to the linter; the limit is meant for code.
    files: ["test/**/*.ts"],
    rules: { "max-lines-per-function": "off" },
  },
  {
    files: [
      "src/workflows/**/*.ts",
      "src/caller-workflow/**/*.ts",
      "src/lifecycle/**/*.ts",
      "src/api/**/*.ts",
    ],
    rules: {
      "no-restricted-imports": "off",
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { paths: outsideSandbox.map((name) => ({ name, allowTypeImports: true })) },
      ],
    },
  },
  {
    // The Status has two gates, one for losing and one for coming back; a path around them would be one nobody can explain.
    files: ["src/workflows/**/*.ts"],
    ignores: ["src/workflows/agent/{agent,disconnect,regain}.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.property.name='moveStatus']",
          message: "The Status moves through disconnect.ts (lose, learn) and regain.ts alone.",
        },
        {
          selector: "AssignmentExpression[left.property.name=/^(status|statusReason)$/]",
          message: "The Status is set by Agent.moveStatus alone.",
        },
      ],
    },
  },
);
