import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const file = new URL("../../../package-lock.json", import.meta.url);
const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
  packages: Record<string, LockedPackage>;
};

// npm leaves out what its registry does not carry, and `npm ci` then refuses the lock file everywhere.
test("package-lock.json - names the optional packages of every platform", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
    Object.keys(optionalDependencies ?? {}).filter(
      (name) =>
        !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});

test("package-lock.json - names no registry", () => {
  expect(Object.values(packages).filter((one) => one.resolved?.startsWith("http"))).toEqual([]);
});
