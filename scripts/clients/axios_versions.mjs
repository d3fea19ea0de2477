// How two generations of axios log in; both were current while clients of the AethexAI API were written.
//
// axios 1.x makes a form of a plain object under the form content type and logs in. axios 0.27 sends JSON text under that
// header: the reference answers 422 with two `missing` items, and so must we. With URLSearchParams both log in.

import assert from "node:assert/strict";

import current from "axios";
import old from "axios-0-27";

const { VOXGATE_URL: url, VOXGATE_EMAIL: username, VOXGATE_PASSWORD: password } = process.env;
const options = {
  headers: { "Content-Type": "application/x-www-form-urlencoded" },
  validateStatus: () => true,
  timeout: 30_000,
};

async function login(axios, body) {
  const { status, data } = await axios.post(`${url}/auth/jwt/login`, body, options);
  return { status, data };
}

const fields = { username, password };

const asObject = await login(current, fields);
assert.equal(asObject.status, 200);
assert.deepEqual(Object.keys(asObject.data), ["access_token", "token_type"]);
assert.equal(asObject.data.token_type, "bearer");

for (const axios of [current, old]) {
  const asForm = await login(axios, new URLSearchParams(fields));
  assert.equal(asForm.status, 200, `axios ${axios.VERSION} with URLSearchParams`);
}

const asJson = await login(old, fields);
assert.equal(asJson.status, 422);
assert.deepEqual(asJson.data, {
  detail: ["username", "password"].map((field) => ({
    type: "missing",
    loc: ["body", field],
    msg: "Field required",
    input: null,
  })),
});

console.log(`axios ${current.VERSION} and ${old.VERSION ?? "0.27"} log in as they do against the reference`);
