// An application's life on one table, with the AWS SDK for JavaScript v3 at its defaults. The modules are installed
// elsewhere: node story.mjs FOLDER_OF_NODE_MODULES ENDPOINT TABLE
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [home, endpoint, table] = process.argv.slice(2);
const load = async (name) => import(pathToFileURL(createRequire(`${home}/`).resolve(name)));
const sdk = await load("@aws-sdk/client-dynamodb");
const lib = await load("@aws-sdk/lib-dynamodb");

const client = new sdk.DynamoDBClient({
  endpoint, region: "eu-west-1", credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
const documents = lib.DynamoDBDocumentClient.from(client);

await client.send(new sdk.CreateTableCommand({
  TableName: table, BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: ["customer", "day", "state"].map((name) => ({ AttributeName: name, AttributeType: "S" })),
  KeySchema: [{ AttributeName: "customer", KeyType: "HASH" }, { AttributeName: "day", KeyType: "RANGE" }],
  GlobalSecondaryIndexes: [{
    IndexName: "by-state", Projection: { ProjectionType: "ALL" },
    KeySchema: [{ AttributeName: "state", KeyType: "HASH" }, { AttributeName: "day", KeyType: "RANGE" }],
  }],
}));
await sdk.waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: table });
await assert.rejects(client.send(new sdk.CreateTableCommand({
  TableName: table, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions: [{ AttributeName: "a", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "a", KeyType: "HASH" }],
})), { name: "ResourceInUseException" });

// Puts, every type there and back.
const item = {
  customer: "c1", day: "2026-01-01", state: "open", count: 3, ratio: 1.5, good: true, none: null, list: [1, "a", { b: [] }],
  map: { deep: { deeper: [new Set(["x", "y"])] } }, tags: new Set(["a", "b"]), bytes: new Uint8Array([0, 255, 128]), empty: "",
};
await documents.send(new lib.PutCommand({ TableName: table, Item: item }));
const read = await documents.send(new lib.GetCommand({ TableName: table, Key: { customer: "c1", day: "2026-01-01" }, ConsistentRead: true }));
assert.deepEqual(read.Item, item);
const missing = await documents.send(new lib.GetCommand({ TableName: table, Key: { customer: "none", day: "x" } }));
assert.equal(missing.Item, undefined);

// Batches, and what was written read by pages.
const days = Array.from({ length: 60 }, (_, number) => `2026-02-${String(number).padStart(3, "0")}`);
for (let at = 0; at < days.length; at += 25) {
  const answer = await documents.send(new lib.BatchWriteCommand({
    RequestItems: { [table]: days.slice(at, at + 25).map((day) => ({ PutRequest: { Item: { customer: "c2", day, state: "open", n: at } } })) },
  }));
  assert.deepEqual(answer.UnprocessedItems ?? {}, {});
}
const queried = [];
for await (const page of lib.paginateQuery({ client: documents, pageSize: 7 }, {
  TableName: table, KeyConditionExpression: "customer = :c AND begins_with(#d, :p)", ExpressionAttributeNames: { "#d": "day" },
  ExpressionAttributeValues: { ":c": "c2", ":p": "2026-02-" },
})) queried.push(...page.Items);
assert.deepEqual(queried.map((found) => found.day), days);
let scanned = 0;
for await (const page of lib.paginateScan({ client: documents, pageSize: 9 }, { TableName: table })) scanned += page.Items.length;
assert.equal(scanned, 61);
const byState = await documents.send(new lib.QueryCommand({
  TableName: table, IndexName: "by-state", KeyConditionExpression: "#s = :s", ExpressionAttributeNames: { "#s": "state" },
  ExpressionAttributeValues: { ":s": "open" }, ScanIndexForward: false, Limit: 3,
}));
assert.deepEqual(byState.Items.map((found) => found.day), days.slice(-3).reverse());
const got = await documents.send(new lib.BatchGetCommand({
  RequestItems: { [table]: { Keys: days.slice(0, 40).map((day) => ({ customer: "c2", day })) } },
}));
assert.equal(got.Responses[table].length, 40);

// Updates and conditions.
const updated = await documents.send(new lib.UpdateCommand({
  TableName: table, Key: { customer: "c1", day: "2026-01-01" }, ReturnValues: "ALL_NEW",
  UpdateExpression: "SET #c = #c + :one, #m.#d.fresh = :text REMOVE ratio ADD tags :more",
  ExpressionAttributeNames: { "#c": "count", "#m": "map", "#d": "deep" },
  ExpressionAttributeValues: { ":one": 1, ":text": "new", ":more": new Set(["c"]) },
}));
assert.equal(updated.Attributes.count, 4);
assert.equal(updated.Attributes.map.deep.fresh, "new");
assert.deepEqual(updated.Attributes.tags, new Set(["a", "b", "c"]));
assert.ok(!("ratio" in updated.Attributes));
await assert.rejects(documents.send(new lib.PutCommand({
  TableName: table, Item: { customer: "c1", day: "2026-01-01" }, ConditionExpression: "attribute_not_exists(customer)",
  ReturnValuesOnConditionCheckFailure: "ALL_OLD",
})), (error) => error.name === "ConditionalCheckFailedException" && error.Item.state.S === "open");

// Transactions.
const key = (customer) => ({ customer, day: "account" });
for (const customer of ["a", "b"]) await documents.send(new lib.PutCommand({ TableName: table, Item: { ...key(customer), amount: 10 } }));
const move = (from, to, amount, token) => documents.send(new lib.TransactWriteCommand({
  ClientRequestToken: token,
  TransactItems: [
    { Update: { TableName: table, Key: key(from), UpdateExpression: "SET amount = amount - :n", ConditionExpression: "amount >= :n", ExpressionAttributeValues: { ":n": amount } } },
    { Update: { TableName: table, Key: key(to), UpdateExpression: "SET amount = amount + :n", ExpressionAttributeValues: { ":n": amount } } },
  ],
}));
const once = randomUUID();
await move("a", "b", 4, once);
await move("a", "b", 4, once); // the same token: done already
await assert.rejects(move("a", "b", 5, once), { name: "IdempotentParameterMismatchException" });
await assert.rejects(move("a", "b", 7), (error) => error.name === "TransactionCanceledException"
  && error.CancellationReasons.map((reason) => reason.Code).join() === "ConditionalCheckFailed,None");
const both = await documents.send(new lib.TransactGetCommand({
  TransactItems: ["a", "b"].map((customer) => ({ Get: { TableName: table, Key: key(customer) } })),
}));
assert.deepEqual(both.Responses.map((found) => found.Item.amount), [6, 14]);

// Errors are those of the service.
await assert.rejects(documents.send(new lib.GetCommand({ TableName: `${table}-none`, Key: { a: "a" } })), { name: "ResourceNotFoundException" });
await assert.rejects(documents.send(new lib.UpdateCommand({
  TableName: table, Key: key("a"), UpdateExpression: "SET", ExpressionAttributeValues: { ":n": 1 },
})), { name: "ValidationException" });

const gone = await documents.send(new lib.DeleteCommand({ TableName: table, Key: key("a"), ReturnValues: "ALL_OLD" }));
assert.equal(gone.Attributes.amount, 6);
const names = [];
for await (const page of sdk.paginateListTables({ client, pageSize: 1 }, {})) names.push(...page.TableNames);
assert.ok(names.includes(table));
await client.send(new sdk.DeleteTableCommand({ TableName: table }));
await sdk.waitUntilTableNotExists({ client, maxWaitTime: 60 }, { TableName: table });
console.log("ok");
