import { isIP } from "node:net";

/** The address of a host in a form that can be given to programs, or why there is none, in words for a finding. */
export type UsableAddress = { readonly address: string } | { readonly problem: string };

/** Checks an address that an agent gave: an IP address or a host name, and nothing that could be taken for an option. */
export function usableAddress(address: string | undefined): UsableAddress {
  if (address === undefined) {
    return {
      problem:
        "No address of the host is known, so nothing was sent. Set an address in its resource's settings.",
    };
  }
  if (isAddress(address)) return { address };
  return {
    problem: `"${address.slice(0, 100)}" is neither an IP address nor a host name, so nothing was sent.`,
  };
}

function isAddress(address: string): boolean {
  // A zone id (fe80::1%eth0) means something on the host itself alone.
  if (isIP(address) !== 0) return !address.includes("%");
  return /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})$/.test(address);
}
