//! The load that `benches/serve/run` puts on a chart server: keep-alive connections, one thread each, the standard library
//! alone, so that the generator takes as little of the processors as it can. Compiled by the script with `rustc -O`.
//!
//!     load get  ADDRESS PATH CONNECTIONS SECONDS [gzip]     reads PATH over and over
//!     load push ADDRESS PATH CONNECTIONS FILE_OF_PATHS [READ_PATH]   posts each file once; reads READ_PATH all the while
//!
//! One JSON line: requests, seconds, bytes, failures and latencies in microseconds.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

struct Connection {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> Connection {
        let writer = TcpStream::connect(address).expect("connected");
        writer.set_nodelay(true).expect("an option");
        writer.set_read_timeout(Some(Duration::from_secs(60))).expect("an option");
        let reader = BufReader::with_capacity(256 << 10, writer.try_clone().expect("a handle"));
        Connection { writer, reader, line: String::new(), body: Vec::new() }
    }

    /// Status and length of the body; 0 when the connection broke.
    fn exchange(&mut self, request: &[u8]) -> (u16, usize) {
        self.try_exchange(request).unwrap_or((0, 0))
    }

    fn try_exchange(&mut self, request: &[u8]) -> Option<(u16, usize)> {
        self.writer.write_all(request).ok()?;
        let (mut status, mut length, mut chunked) = (0, 0, false);
        loop {
            self.line.clear();
            if self.reader.read_line(&mut self.line).ok()? == 0 {
                return None;
            }
            let line = self.line.trim_end();
            if status == 0 {
                status = line.split(' ').nth(1)?.parse().ok()?;
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().ok()?;
                } else if name.eq_ignore_ascii_case("transfer-encoding") {
                    chunked = value.trim().eq_ignore_ascii_case("chunked");
                }
            }
        }
        if !chunked {
            self.body.resize(length, 0);
            self.reader.read_exact(&mut self.body[..length]).ok()?;
            return Some((status, length));
        }
        let mut total = 0;
        loop {
            self.line.clear();
            self.reader.read_line(&mut self.line).ok()?;
            let size = usize::from_str_radix(self.line.trim(), 16).ok()?;
            self.body.resize(size + 2, 0);
            self.reader.read_exact(&mut self.body[..size + 2]).ok()?;
            total += size;
            if size == 0 {
                return Some((status, total));
            }
        }
    }
}

#[derive(Default)]
struct Tally {
    latencies: Vec<u64>,
    bytes: usize,
    failures: usize,
    reads: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, address, path, connections, last, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: load get|push ADDRESS PATH CONNECTIONS SECONDS|FILE …");
        std::process::exit(2);
    };
    let connections: usize = connections.parse().expect("a number of connections");
    let began = Instant::now();
    let tallies: Vec<Tally> = match kind.as_str() {
        "get" => {
            let encoding = if rest.first().is_some_and(|word| word == "gzip") { "Accept-Encoding: gzip\r\n" } else { "" };
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{encoding}\r\n");
            let until = began + Duration::from_secs_f64(last.parse().expect("seconds"));
            let read = || {
                let (mut connection, mut tally) = (Connection::open(address), Tally::default());
                while Instant::now() < until {
                    let at = Instant::now();
                    let (status, length) = connection.exchange(request.as_bytes());
                    tally.latencies.push(at.elapsed().as_micros() as u64);
                    tally.bytes += length;
                    if status != 200 {
                        tally.failures += 1;
                        connection = Connection::open(address);
                    }
                }
                tally
            };
            run(connections, read)
        }
        _ => {
            let files: Vec<String> = std::fs::read_to_string(last).expect("the list").lines().map(str::to_string).collect();
            let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
            let post = || {
                let (mut connection, mut tally) = (Connection::open(address), Tally::default());
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let body = std::fs::read(file).expect("an archive");
                    let mut request = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
                    request.extend_from_slice(&body);
                    let at = Instant::now();
                    let (status, _) = connection.exchange(&request);
                    tally.latencies.push(at.elapsed().as_micros() as u64);
                    tally.bytes += body.len();
                    if status != 201 {
                        tally.failures += 1;
                        connection = Connection::open(address);
                    }
                }
                done.store(true, Ordering::Relaxed);
                tally
            };
            let watch = || {
                let mut tally = Tally::default();
                if let Some(read) = rest.first() {
                    let mut connection = Connection::open(address);
                    let request = format!("GET {read} HTTP/1.1\r\nHost: {address}\r\nAccept-Encoding: gzip\r\n\r\n");
                    while !done.load(Ordering::Relaxed) {
                        tally.reads += usize::from(connection.exchange(request.as_bytes()).0 == 200);
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
                tally
            };
            std::thread::scope(|scope| {
                let watching = scope.spawn(watch);
                let mut tallies = run(connections, post);
                tallies.push(watching.join().expect("a thread"));
                tallies
            })
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let mut latencies: Vec<u64> = tallies.iter().flat_map(|tally| tally.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    let at = |share: f64| latencies.get(((latencies.len() as f64 * share) as usize).min(latencies.len().saturating_sub(1))).copied().unwrap_or(0);
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    println!(
        "{{\"requests\": {}, \"seconds\": {seconds:.3}, \"bytes\": {}, \"failures\": {}, \"reads\": {}, \"p50\": {}, \"p99\": {}, \"max\": {}}}",
        latencies.len(), sum(|tally| tally.bytes), sum(|tally| tally.failures), sum(|tally| tally.reads), at(0.5), at(0.99), at(1.0)
    );
}

fn run(count: usize, work: impl Fn() -> Tally + Sync) -> Vec<Tally> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread")).collect()
    })
}
