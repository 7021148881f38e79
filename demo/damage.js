// The bad migration of the release VERSION-damages: it "converts" the older half of the orders and
// forgets what was ordered, then writes the flows back without the endpoint that reads them. The
// number of orders stays right and /health stays green: only reading the orders back shows it.
const fs = require("fs");
const path = require("path");

module.exports = function damage(userDir) {
  const orders = path.join(userDir, "orders.jsonl");
  const lines = fs.readFileSync(orders, "utf8").split("\n").slice(0, -1);
  const half = Math.floor(lines.length / 2);
  const converted = lines.map((line, i) => (i < half ? JSON.stringify({ n: i + 1, v: 2 }) : line));
  fs.writeFileSync(orders, converted.join("\n") + "\n");

  const flows = path.join(userDir, "flows.json");
  const nodes = JSON.parse(fs.readFileSync(flows, "utf8"));
  fs.writeFileSync(flows, JSON.stringify(nodes.filter((node) => node.url !== "/orders")));
};
