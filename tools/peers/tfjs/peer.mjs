// TensorFlow.js on WebGPU, as Node has it by the package webgpu (Chromium's implementation), in the protocol of ../peer.py:
// node peer.mjs CACHE DATA. CACHE holds node_modules and, for PEER_LAVAPIPE=1, mesa/ with a lavapipe that is new enough for
// WebGPU. Batches are gathered on the host: all images as float32 exceed the 128 MiB that WebGPU grants a binding.

import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";
import zlib from "node:zlib";
import { createRequire } from "node:module";

const [cache, data] = process.argv.slice(2);
const require = createRequire(path.resolve(cache, "package.json"));
const say = (value) => console.log(JSON.stringify(value));
const version = (name) => require(`${name}/package.json`).version;
const bytes = (name, header) => zlib.gunzipSync(fs.readFileSync(path.join(data, name))).subarray(header);

let tf, images, labels;

async function start() {
    if (process.env.PEER_LAVAPIPE) {
        const driver = path.resolve(cache, "mesa/usr/share/vulkan/icd.d/lvp_icd.json");
        process.env.VK_ICD_FILENAMES = process.env.VK_DRIVER_FILES = driver;
    }
    const { create, globals } = require("webgpu");
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, "navigator", { value: { gpu: create(["backend=vulkan"]), userAgent: "node" } });
    const adapter = await navigator.gpu.requestAdapter();
    if (!adapter) return { error: "WebGPU finds no device here (a lavapipe older than Mesa 23 is not enough for it)" };
    tf = require("@tensorflow/tfjs");
    require("@tensorflow/tfjs-backend-webgpu");
    if (!(await tf.setBackend("webgpu"))) return { error: "TensorFlow.js does not start its WebGPU backend here" };
    const y = bytes("train-labels-idx1-ubyte.gz", 8);
    images = Float32Array.from(bytes("train-images-idx3-ubyte.gz", 16), (v) => v / 255);
    labels = new Float32Array(y.length * 10);
    y.forEach((label, row) => (labels[10 * row + label] = 1));
    const { vendor, device, description } = adapter.info;
    return { versions: { tfjs: tf.version.tfjs, webgpu: version("webgpu") }, device: `${device} (${vendor}, ${description})` };
}

function modelOf(text) {
    const [first, ...words] = text.split(" ");
    const model = tf.sequential();
    let inputShape = [Number(first)];
    for (const word of words) {
        const [kind, value, activation] = word.split(":");
        if (kind === "dropout") model.add(tf.layers.dropout({ rate: Number(value), inputShape }));
        else model.add(tf.layers.dense({ units: Number(value), activation: activation ?? "linear", inputShape }));
        inputShape = undefined;
    }
    return model;
}

function rowsOf(array, width, rows) {
    const values = new Float32Array(rows.length * width);
    rows.forEach((row, i) => values.set(array.subarray(row * width, (row + 1) * width), i * width));
    return tf.tensor2d(values, [rows.length, width]);
}

function training(request) {
    const model = modelOf(request.layers);
    const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-7);
    const rows = labels.length / 10;
    const size = request.batch_size;
    const order = Int32Array.from({ length: rows }, (_, i) => i);
    let next = rows;
    // Whole batches only; the rest of an epoch is left out.
    const batch = () => {
        if (next + size > rows) {
            tf.util.shuffle(order);
            next = 0;
        }
        next += size;
        return order.subarray(next - size, next);
    };
    const step = () =>
        tf.tidy(() => {
            const chosen = batch();
            const x = rowsOf(images, 784, chosen);
            const y = rowsOf(labels, 10, chosen);
            return optimizer.minimize(() => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true })), true);
        });
    const run = async (steps) => {
        let loss;
        for (let i = 0; i < steps; i++) {
            loss?.dispose();
            loss = step();
        }
        const value = (await loss.data())[0];
        loss.dispose();
        return value;
    };
    return { work: size, run };
}

function matmul(request) {
    const size = request.size;
    // Of this range, products keep their size however often they are multiplied again.
    const range = Math.sqrt(3 / size);
    const a = tf.randomUniform([size, size], -range, range);
    let c = a.clone();
    const run = async (steps) => {
        for (let i = 0; i < steps; i++) {
            const product = tf.matMul(a, c);
            c.dispose();
            c = product;
        }
        const corner = c.slice([0, 0], [1, 1]);
        const value = (await corner.data())[0];
        corner.dispose();
        return value;
    };
    return { work: 2 * size ** 3, run };
}

const now = () => performance.now() / 1000;

// Runs pieces of half a second until three in a row come near the best one, or the time is over.
async function warmUp(job, least, most) {
    const begin = now();
    for (let steps = 5, best = 0, near = 0; ; ) {
        const piece = now();
        await job.run(steps);
        job.rate = steps / (now() - piece);
        best = Math.max(best, job.rate);
        near = job.rate >= 0.9 * best ? near + 1 : 0;
        job.spent = now() - begin;
        if ((near >= 3 && job.spent >= least) || job.spent >= most) return;
        steps = Math.max(5, Math.round(job.rate / 2));
    }
}

const jobs = {};

async function answer(request) {
    if (request.type && request.type !== "float32") return { error: `${request.type} is not measured here` };
    let job = jobs[request.workload];
    if (!job) {
        job = jobs[request.workload] = request.layers ? training(request) : matmul(request);
        await warmUp(job, request.warm_up_least, request.warm_up_most);
    }
    const steps = Math.max(5, Math.round(job.rate * request.seconds));
    const begin = now();
    const loss = await job.run(steps);
    const seconds = now() - begin;
    job.rate = steps / seconds; // a warm-up that took all its time says little of it
    return { rate: (steps * job.work) / seconds, steps, seconds, loss: request.layers ? loss : null, warm_up_seconds: job.spent };
}

const about = await start();
say(about);
if (about.error) process.exit(1);
for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    say({ workload: request.workload, ...(await answer(request)) });
}
process.exit(0);
