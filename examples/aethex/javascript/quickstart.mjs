#!/usr/bin/env node
// Log in, speak one sentence into an MP3, read the usage.
//
// The sample of the AethexAI API page, pointed at a server of your own. Environment: VOXGATE_URL, and VOXGATE_API_KEY or
// VOXGATE_EMAIL with VOXGATE_PASSWORD. The first argument names the file to write; speech.mp3 if there is none.

import { writeFile } from "node:fs/promises";

import axios from "axios";

const BASE_URL = process.env.VOXGATE_URL ?? "http://127.0.0.1:8080";
const TEXT = "Hello! This is a real voice, from my own machine.";

// No status throws: every answer is checked where it is used. Two minutes, because a small machine needs a while for a long text.
const api = axios.create({ baseURL: BASE_URL, timeout: 120_000, validateStatus: () => true });

function fail(message) {
  console.error(message);
  process.exit(1);
}

function expect(response, status, what) {
  if (response.status !== status) {
    const body = Buffer.isBuffer(response.data) ? response.data.toString() : JSON.stringify(response.data);
    fail(`could not ${what}: ${response.status} ${body}`);
  }
}

// The access token of a user. axios 1.x makes a form of the object because the header says so; older versions need
// `new URLSearchParams({…})` here.
async function login(email, password) {
  const response = await api.post(
    "/auth/jwt/login",
    { grant_type: "password", username: email, password },
    { headers: { "Content-Type": "application/x-www-form-urlencoded" } },
  );
  expect(response, 200, "log in");
  return response.data.access_token;
}

// The spoken text as an MP3.
async function synthesize(headers, text) {
  const response = await api.post(
    "/tts/tts",
    { text, voice_id: "en_female_warm_1", audio_format: "mp3", sample_rate_hz: 24000 },
    { headers, responseType: "arraybuffer" },
  );
  expect(response, 200, "synthesize");
  if (response.headers["content-type"] !== "audio/mpeg") {
    fail(`expected audio/mpeg, got ${response.headers["content-type"]}`);
  }
  return response.data;
}

// The words charged to this account in this calendar month.
async function wordsUsed(headers) {
  const response = await api.get("/usage", { headers });
  expect(response, 200, "read the usage");
  return response.data.words;
}

async function credentials() {
  const { VOXGATE_API_KEY: key, VOXGATE_EMAIL: email, VOXGATE_PASSWORD: password } = process.env;
  if (key) return { Authorization: `Bearer ${key}` };
  if (!email || !password) {
    fail("set VOXGATE_API_KEY, or VOXGATE_EMAIL and VOXGATE_PASSWORD; the first start of the server printed them");
  }
  return { Authorization: `Bearer ${await login(email, password)}` };
}

async function main() {
  const output = process.argv[2] ?? "speech.mp3";
  const headers = await credentials();
  const before = await wordsUsed(headers);
  const audio = await synthesize(headers, TEXT);
  // An MP3 begins with an ID3 tag or with the eleven set bits of a frame.
  const mp3 = audio.subarray(0, 3).toString("latin1") === "ID3" || (audio[0] === 0xff && (audio[1] & 0xe0) === 0xe0);
  if (!mp3 || audio.length < 5_000) fail(`this is no MP3 of a sentence: ${audio.length} bytes`);
  await writeFile(output, audio);
  const spoken = TEXT.split(/\s+/).length;
  const charged = (await wordsUsed(headers)) - before;
  if (charged !== spoken) fail(`spoke ${spoken} words, but the usage rose by ${charged}`);
  console.log(`${output}: ${audio.length} bytes of MP3, ${charged} words charged`);
}

try {
  await main();
} catch (error) {
  if (error.code === "ECONNREFUSED") fail(`nothing answers at ${BASE_URL}; start the server with \`make run\` or set VOXGATE_URL`);
  throw error;
}
