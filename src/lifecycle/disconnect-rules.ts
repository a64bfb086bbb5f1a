/** The rules of the disconnect decision by name, each in a sentence for operators: `muster why` shows them (DESIGN §5). */
export const disconnectRules = {
  removed:
    "An operator removed the agent: it is Removed for good, its session is closed, and what waited for it is settled.",
  goodbye:
    "An agent that says goodbye is Disconnected. Nobody looks into it, and an alert that stood is cleared.",
  outOfService:
    "The administrator took the resource out of service, so any loss is expected: Disconnected, and nobody looks into it.",
  wrongSetUp:
    "A handshake failed, or was refused, by a wrong set-up. Waiting changes nothing: Alert at once, until somebody corrects it. The agent dials, so its host is alive, and nobody looks into it.",
  handshakeFailed:
    "A handshake failed in a way that may pass: Disconnected, and looked into if the agent is not back after the reconnect grace.",
  socketLost:
    "The socket was lost: Disconnected, and looked into if the agent is not back after the reconnect grace.",
  silence:
    "The agent did not ping for the ping time-out: Disconnected, looked into at once, and its half-open socket is closed.",
  gatewayLost:
    "The gateway is lost, which says nothing about the agent: Disconnected, with a whole ping time-out to come back elsewhere.",
  reconnectAsked:
    "An operator asked for a new session: Disconnected until the agent is back, with a whole ping time-out to do so.",
  hostDown:
    "An Investigator proved the host off: Down. An alert is raised and the recovery is called, once for this loss.",
  braked:
    "A host was proven off, but so much of its zone or cluster is lost at once that no Down is believed: it is held back until the storm ends or an operator releases the brake.",
  hostAlive:
    "An Investigator saw the host alive: only its agent is gone. It stays lost and is asked about again; nothing is recovered.",
  nobodyKnows:
    "No Investigator knows whether the host is alive. That is never taken for Down: all are asked again later.",
  waitedTooLong:
    "The agent was away for longer than alert.wait since its loss: Alert. It goes on being looked into, and nothing is recovered.",
} as const;

/** Name of a rule; stable, for programs. */
export type DisconnectRule = keyof typeof disconnectRules;
