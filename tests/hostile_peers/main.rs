//! Repositories and registries that misbehave, played by a small server on the loopback: what is fetched must be right or
//! refused, and credentials must stay where they belong. One test for each known hole that applies (CVE numbers in names'
//! comments). Everything runs offline with short time limits.
#![cfg(feature = "remote")]

mod pushes;
mod registries;
mod repositories;
mod tokens;
mod tolerated;
mod validators;

use rutter::chart::Metadata;
use rutter::diagnostic::Level;
use rutter::error::ErrorKind;
use rutter::repository::access::Access;
use rutter::repository::config::{Entry, Repositories, index_path};
use rutter::repository::download::{Downloader, Verify};
use rutter::repository::http::{Client, Request};
use rutter::repository::oci::{BLOB_LIMIT, Descriptor, Reference, Registry, chart, digest_of};
use rutter::repository::push::{self, ChartUpload, ServerKind};
use rutter::repository::{ChartOptions, Recorded, Settings, update};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that answers each request with what a function makes of it, and remembers the requests.
struct Peer {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    fn start(answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&seen);
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let request = read_request(&mut stream);
                    let number = {
                        let mut seen = remembered.lock().expect("the list");
                        seen.push(request.clone());
                        seen.len()
                    };
                    let _ = stream.write_all(&answer(number, &request));
                });
            }
        });
        Peer { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("the list").clone()
    }
}

/// Head and body of a request, the head's names in lower case.
fn read_request(stream: &mut std::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        if count == 0 {
            return text;
        }
    }
}

fn reply(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str("\r\n");
    [text.into_bytes(), body.to_vec()].concat()
}

fn settings(home: &std::path::Path) -> Settings {
    Settings {
        repository_config: home.join("repositories.yaml"),
        repository_cache: home.join("repository"),
        content_cache: home.join("content"),
        registry_config: home.join("registry.json"),
        timeout: Some(Duration::from_millis(1500)),
        retry_pause: Some(Duration::from_millis(1)),
        user_agent: "rutter/test".to_string(),
        ..Settings::default()
    }
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn access(base: &str) -> Access {
    Access { base: base.to_string(), username: "ada".to_string(), password: "s3cret".to_string(), ..Access::default() }
}

fn has_credentials(request: &str) -> bool {
    request.to_lowercase().contains("\r\nauthorization:")
}
