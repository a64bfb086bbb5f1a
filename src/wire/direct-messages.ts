/** What a gateway and the processes of its direct agents say to each other, over the channel that Node gives them. */

/** The first message: whom to run. Holds secrets. */
export interface StartDirectAgent {
  readonly type: "start";
  readonly agentId: string;
  readonly zone: string;
  readonly cluster: string;
  readonly resource: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** WebSocket URL of its own gateway. */
  readonly gatewayUrl: string;
  /** Proves to the gateway that it is this claim's. */
  readonly secret: string;
  /** The agent's files are in `<home>/agents/<agentId>/`. */
  readonly home: string;
  readonly tlsCaFile?: string | undefined;
  readonly frameBytesMax: number;
  readonly logLevel: string;
}

export type ToDirectAgent =
  | StartDirectAgent
  /** It may act for `forMs` milliseconds, counted from when it asked. */
  | { readonly type: "granted"; readonly no: number; readonly forMs: number }
  /** It says goodbye and ends. */
  | { readonly type: "stop" };

export type FromDirectAgent =
  /** May it go on acting? */
  | { readonly type: "ask"; readonly no: number }
  /** Its session is open for the first time. */
  | { readonly type: "connected"; readonly epoch: number }
  /** It can't run, and ends; says what to change. */
  | { readonly type: "failed"; readonly details: string };
