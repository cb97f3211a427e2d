//! Counters in Prometheus's text form.
//!
//! Goes in: one call for each request. Comes out: `/metrics`. Fixed label values only, so that no client can make the
//! set of series grow.

use axum::http::{Method, StatusCode};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "DELETE", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// Upper bounds in microseconds.
const BUCKETS: [u64; 8] = [1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];

/// All counters.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: [[AtomicU64; CLASSES.len()]; METHODS.len()],
    buckets: [AtomicU64; BUCKETS.len()],
    microseconds: AtomicU64,
    total: AtomicU64,
    pub uploads: AtomicU64,
    pub deletions: AtomicU64,
}

impl Metrics {
    /// Counts one answered request.
    pub fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        let row = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.requests[row][class].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
        if let Some(at) = BUCKETS.iter().position(|bound| microseconds <= *bound) {
            self.buckets[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text of `/metrics`.
    pub fn render(&self) -> String {
        let mut text = String::from("# HELP rutter_http_requests_total Answered requests.\n# TYPE rutter_http_requests_total counter\n");
        for (method, row) in METHODS.iter().zip(&self.requests) {
            for (class, count) in CLASSES.iter().zip(row) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let _ = writeln!(text, "rutter_http_requests_total{{method=\"{method}\",status=\"{class}\"}} {count}");
                }
            }
        }
        text.push_str("# HELP rutter_http_request_seconds How long answers took.\n# TYPE rutter_http_request_seconds histogram\n");
        let mut below = 0;
        for (bound, count) in BUCKETS.iter().zip(&self.buckets) {
            below += count.load(Ordering::Relaxed);
            let _ = writeln!(text, "rutter_http_request_seconds_bucket{{le=\"{}\"}} {below}", *bound as f64 / 1e6);
        }
        let total = self.total.load(Ordering::Relaxed);
        let _ = writeln!(text, "rutter_http_request_seconds_bucket{{le=\"+Inf\"}} {total}");
        let _ = writeln!(text, "rutter_http_request_seconds_sum {}", self.microseconds.load(Ordering::Relaxed) as f64 / 1e6);
        let _ = writeln!(text, "rutter_http_request_seconds_count {total}");
        for (name, help, count) in [("uploads", "Charts stored.", &self.uploads), ("deletions", "Charts deleted.", &self.deletions)] {
            let count = count.load(Ordering::Relaxed);
            let _ = write!(text, "# HELP rutter_{name}_total {help}\n# TYPE rutter_{name}_total counter\nrutter_{name}_total {count}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_method_and_class() {
        let metrics = Metrics::default();
        metrics.count(&Method::GET, StatusCode::OK, Duration::from_millis(3));
        metrics.count(&Method::PATCH, StatusCode::NOT_FOUND, Duration::from_secs(9));
        let text = metrics.render();
        assert!(text.contains("rutter_http_requests_total{method=\"GET\",status=\"2xx\"} 1\n"), "{text}");
        assert!(text.contains("rutter_http_requests_total{method=\"other\",status=\"4xx\"} 1\n"), "{text}");
        assert!(text.contains("le=\"0.005\"} 1\n") && text.contains("le=\"+Inf\"} 2\n"), "{text}");
    }
}
