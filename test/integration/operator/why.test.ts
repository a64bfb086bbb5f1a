import { expect, it } from "vitest";
import { waitUntil } from "../../helpers/wait-until.ts";
import { useOperatorRig } from "./operator-rig.ts";

const rig = useOperatorRig();
const { connect, call } = rig;

interface Loss {
  readonly lost: { readonly rule: string; readonly ruleText: string; readonly gatewayId: string };
  readonly ended: { readonly text: string } | null;
}

async function lossOf(agentId: string, wanted: (loss: Loss) => boolean): Promise<Loss> {
  return await waitUntil("the loss is told", async () => {
    const { body } = await call("GET", `agents/${agentId}/why`);
    const loss = body["loss"] as Loss | null;
    return loss !== null && wanted(loss) && loss;
  });
}

it("why - an agent that was never lost has no loss to tell", async () => {
  const agent = await connect();
  expect(await call("GET", `agents/${agent.agentId}/why`)).toMatchObject({
    status: 200,
    body: { agentId: agent.agentId, braked: false, loss: null },
  });
});

it("why - tells the newest loss by its rule and gateway, and how it ended", async () => {
  const agent = await connect();
  agent.close();
  const lasting = await lossOf(agent.agentId, () => true);
  expect(lasting).toMatchObject({
    lost: { rule: "socketLost", gatewayId: rig.gateway.gatewayId },
    ended: null,
  });
  expect(lasting.lost.ruleText).toContain("reconnect grace");
  await connect({ agentId: agent.agentId, secret: agent.secret });
  const over = await lossOf(agent.agentId, ({ ended }) => ended !== null);
  expect(over.ended?.text).toContain("session 2");
});

it("why - an agent that nobody knows is a problem", async () => {
  expect(await call("GET", "agents/nobody/why")).toMatchObject({
    status: 404,
    body: { code: "AGENT_UNKNOWN" },
  });
});

it("brakes - an operator releases one for a while, and it is listed", async () => {
  expect(await call("GET", "brakes")).toMatchObject({ status: 200, body: { brakes: [] } });
  const released = await call("POST", "brakes/release", { zone: "z9", forSeconds: 60, by: "ada" });
  expect(released).toMatchObject({ status: 200, body: { zone: "z9", releasedBy: "ada" } });
  expect(await call("GET", "brakes")).toMatchObject({ body: { brakes: [{ zone: "z9" }] } });
  expect(await call("POST", "brakes/release", { zone: "" })).toMatchObject({ status: 400 });
});

it("recoveries - are listed, none so far", async () => {
  expect(await call("GET", "recoveries")).toEqual(
    expect.objectContaining({ status: 200, body: { recoveries: [] } }),
  );
});
