/** What listeners are told, by the method that is told it. */
import type {
  ConnectedAgent,
  DisconnectedAgent,
  HookCallOptions,
  HostDown,
  PassingAnswers,
  PassingCommands,
  ResourceStateChange,
  StatusChange,
} from "../api/index.ts";

/** News of each method that nobody waits for. */
export interface HookNews {
  readonly onConnected: ConnectedAgent;
  readonly onDisconnected: DisconnectedAgent;
  readonly onStatusChanged: StatusChange;
  readonly onResourceStateChanged: ResourceStateChange;
  readonly onHostDown: HostDown;
  readonly onCommands: PassingCommands;
  readonly onAnswers: PassingAnswers;
}
export type ToldMethod = keyof HookNews;
/** Methods whose answer somebody waits for. */
export type HookMethod = ToldMethod | "onConnecting" | "onControlCommand";

/** A listener as those who tell it see it. Every `HookListener` is one. */
export type ToldListener = {
  readonly [M in ToldMethod]?: (
    news: HookNews[M],
    options: HookCallOptions,
  ) => void | Promise<void>;
};

/** All methods, for checks of what a module exports. */
export const hookMethods = [
  "onConnecting",
  "onConnected",
  "onDisconnected",
  "onStatusChanged",
  "onResourceStateChanged",
  "onHostDown",
  "onCommands",
  "onAnswers",
  "onControlCommand",
] as const satisfies readonly HookMethod[];
