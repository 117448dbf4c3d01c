//! Trains the workloads of ../workloads.json with burn on its Vulkan backend. The protocol is that of ../peer.py: a line of
//! JSON on standard input asks for a measurement, a line on standard output answers.

mod data;
mod train;

use serde_json::{json, Value};
use std::io::{self, BufRead, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Something that can be measured: runs this many steps to their end, and returns the last loss.
pub trait Job {
    fn run(&mut self, steps: usize) -> f32;
    /// Work of a step: samples, or floating-point operations.
    fn work(&self) -> f64;
}

/// Runs pieces of half a second until two in a row come near the best one, or the time is over.
fn warm_up(job: &mut dyn Job, least: Duration, most: Duration) -> (f64, Duration) {
    let start = Instant::now();
    let (mut steps, mut best, mut near) = (1, 0.0_f64, 0);
    loop {
        let piece = Instant::now();
        job.run(steps);
        let rate = steps as f64 / piece.elapsed().as_secs_f64();
        best = best.max(rate);
        near = if rate >= 0.9 * best { near + 1 } else { 0 };
        let time = start.elapsed();
        if (near >= 3 && time >= least) || time >= most {
            return (rate, time);
        }
        steps = ((rate * 0.5) as usize).max(5);
    }
}

fn seconds(request: &Value, key: &str, otherwise: f64) -> Duration {
    Duration::from_secs_f64(request[key].as_f64().unwrap_or(otherwise))
}

struct Ready {
    name: String,
    job: Box<dyn Job>,
    rate: f64,
    warm_up: Duration,
}

fn answer(request: &Value, ready: &mut Vec<Ready>, data: &Rc<data::Data>) -> Value {
    let name = request["workload"].as_str().expect("the request names a workload").to_owned();
    if !ready.iter().any(|r| r.name == name) {
        let mut job: Box<dyn Job> = match request["layers"].as_str() {
            Some(layers) => {
                let batch_size = request["batch_size"].as_u64().expect("a batch size") as usize;
                Box::new(train::Training::new(layers, batch_size, data.clone()))
            }
            None => Box::new(train::Matmul::new(request["size"].as_u64().expect("a size") as usize)),
        };
        let (rate, warm_up) = warm_up(
            job.as_mut(),
            seconds(request, "warm_up_least", 2.0),
            seconds(request, "warm_up_most", 90.0),
        );
        ready.push(Ready {
            name: name.clone(),
            job,
            rate,
            warm_up,
        });
    }
    let r = ready.iter_mut().find(|r| r.name == name).unwrap();
    let steps = ((r.rate * seconds(request, "seconds", 3.0).as_secs_f64()) as usize).max(5);
    let start = Instant::now();
    let loss = r.job.run(steps);
    let time = start.elapsed().as_secs_f64();
    r.rate = steps as f64 / time; // a warm-up that took all its time says little of it
    json!({"workload": name, "rate": steps as f64 * r.job.work() / time, "steps": steps, "seconds": time,
           "loss": loss, "warm_up_seconds": r.warm_up.as_secs_f64()})
}

fn burn_version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let rest = lock
        .split("name = \"burn\"\nversion = \"")
        .nth(1)
        .expect("Cargo.lock names burn");
    rest.split('"').next().unwrap()
}

fn main() {
    let folder = std::env::args().nth(1).expect("usage: peer-burn FOLDER-OF-FASHION-MNIST");
    let data = Rc::new(data::Data::read(&folder));
    let mut ready = Vec::new();
    let say = |value: Value| {
        println!("{value}");
        io::stdout().flush().unwrap();
    };
    say(json!({"versions": {"burn": burn_version()}, "device": train::start()}));
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line.unwrap()).expect("a line of JSON");
        say(answer(&request, &mut ready, &data));
    }
}
