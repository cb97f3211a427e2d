//! Decides which requests go through a proxy.
//!
//! Goes in: [`Proxies`], as the usual variables give them. Comes out: the proxy for an address, or none. The
//! rules are those of Go's `golang.org/x/net/http/httpproxy`, which Helm uses; the HTTP client's own rules differ
//! for exceptions with wildcards (`*.example.com`), ports or a leading dot, and companies use all of these forms.

use super::Proxies;
use reqwest::Url;
use std::net::IpAddr;

/// The parsed proxies and exceptions.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Vec<Exception>,
}

/// Hosts that are accessed without a proxy. An empty port means all ports.
#[derive(Debug, Clone)]
enum Exception {
    All,
    /// A network: the address and the length of its prefix in bits.
    Network(IpAddr, u32),
    Address(IpAddr, String),
    /// Hosts that end in `suffix`, which starts with a dot; `itself` also includes the name after the dot.
    Domain {
        suffix: String,
        itself: bool,
        port: String,
    },
}

impl Rules {
    /// The rules of these settings; an invalid proxy address counts as none, as in Go.
    pub(super) fn new(proxies: &Proxies) -> Rules {
        let exceptions = proxies.exceptions.split(',').filter_map(Exception::parse).collect();
        Rules { http: parse(&proxies.http), https: parse(&proxies.https), exceptions }
    }

    /// The proxy for `url`. This machine itself is never accessed through one.
    pub(super) fn proxy_of(&self, url: &Url) -> Option<Url> {
        let proxy = match url.scheme() {
            "http" => &self.http,
            "https" => &self.https,
            _ => return None,
        };
        let proxy = proxy.as_ref()?;
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return None;
        }
        let port = url.port_or_known_default().map(|port| port.to_string()).unwrap_or_default();
        let is_direct = self.exceptions.iter().any(|exception| exception.names(&host, address, &port));
        (!is_direct).then(|| proxy.clone())
    }
}

/// The address of a proxy; the scheme may be missing.
fn parse(text: &str) -> Option<Url> {
    if text.is_empty() {
        return None;
    }
    let with_host = |text: &str| Url::parse(text).ok().filter(Url::has_host);
    let url = with_host(text).or_else(|| with_host(&format!("http://{text}")))?;
    match url.scheme() {
        "http" | "https" | "socks5h" => Some(url),
        // With both schemes Go lets the proxy resolve host names.
        "socks5" => changed(&url, "socks5h"),
        // Go speaks HTTP to proxies of unknown schemes.
        _ => changed(&url, "http"),
    }
}

/// The address with another scheme, which `Url::set_scheme` refuses between kinds of schemes.
fn changed(url: &Url, scheme: &str) -> Option<Url> {
    let (_, rest) = url.as_str().split_once(':')?;
    Url::parse(&format!("{scheme}:{rest}")).ok()
}

impl Exception {
    /// Parses an item of the list; `None` if it names no host.
    fn parse(item: &str) -> Option<Exception> {
        let item = item.trim().to_lowercase();
        if item == "*" {
            return Some(Exception::All);
        }
        if let Some(network) = network(&item) {
            return Some(network);
        }
        let (host, port) = split_host_port(&item).unwrap_or((&item, ""));
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Exception::Address(address.to_canonical(), port.to_string()));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let name = host.strip_prefix('.').unwrap_or(host);
        if host.is_empty() {
            return None;
        }
        Some(Exception::Domain { suffix: format!(".{}", ascii(name)), itself: !host.starts_with('.'), port: port.to_string() })
    }

    /// Whether the exception applies to this host; `address` is set if the host is an IP address.
    fn names(&self, host: &str, address: Option<IpAddr>, asked_port: &str) -> bool {
        let fits = |port: &str| port.is_empty() || port == asked_port;
        match self {
            Exception::All => true,
            Exception::Network(network, bits) => address.is_some_and(|address| first_bits(address, *bits) == first_bits(*network, *bits)),
            Exception::Address(own, port) => address == Some(*own) && fits(port),
            Exception::Domain { suffix, itself, port } => {
                let is_named = host.ends_with(suffix.as_str()) || *itself && suffix.get(1..) == Some(host);
                address.is_none() && is_named && fits(port)
            }
        }
    }
}

/// Parses a network such as `10.0.0.0/8` or `2001:db8::/32`.
fn network(item: &str) -> Option<Exception> {
    let (address, bits) = item.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let bits = bits.parse().ok().filter(|bits| *bits <= if address.is_ipv4() { 32 } else { 128 })?;
    Some(Exception::Network(address, bits))
}

/// The first `bits` bits of the address, and whether it is an IPv6 one.
fn first_bits(address: IpAddr, bits: u32) -> (bool, u128) {
    let (is_long, number, length) = match address {
        IpAddr::V4(address) => (false, u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (true, address.to_bits(), 128),
    };
    (is_long, number.checked_shr(length - bits.min(length)).unwrap_or(0))
}

/// Host and port of `host:port` and `[host]:port`; `None` without a port.
fn split_host_port(item: &str) -> Option<(&str, &str)> {
    if let Some((host, rest)) = item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return rest.strip_prefix(':').map(|port| (host, port));
    }
    item.split_once(':').filter(|(_, port)| !port.contains(':'))
}

/// A host name in the ASCII form used in addresses.
fn ascii(name: &str) -> String {
    if name.is_ascii() {
        return name.to_string();
    }
    let url = Url::parse(&format!("http://{name}")).ok();
    url.as_ref().and_then(Url::host_str).unwrap_or(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy_of(http: &str, https: &str, exceptions: &str, url: &str) -> String {
        let proxies = Proxies { http: http.to_string(), https: https.to_string(), exceptions: exceptions.to_string() };
        let proxy = Rules::new(&proxies).proxy_of(&Url::parse(url).expect("an address"));
        proxy.map_or_else(|| "direct".to_string(), |proxy| proxy.to_string())
    }

    /// As in golang.org/x/net v0.56.0; its unknown schemes are shown as HTTP here, which it speaks to them.
    #[test]
    fn proxies_are_chosen_as_by_go() {
        for (http, https, exceptions, url, wanted) in [
            ("127.0.0.1:8080", "", "", "http://example.com", "http://127.0.0.1:8080/"),
            ("cache.corp.example.com:1234", "", "", "http://example.com", "http://cache.corp.example.com:1234/"),
            ("cache.corp.example.com", "", "", "http://example.com", "http://cache.corp.example.com/"),
            ("localhost", "", "", "http://example.com", "http://localhost/"),
            ("localhost:3128", "", "", "http://example.com", "http://localhost:3128/"),
            ("https://cache.corp.example.com", "", "", "http://example.com", "https://cache.corp.example.com/"),
            ("http://pat:a%40b@127.0.0.1:8080", "", "", "http://example.com", "http://pat:a%40b@127.0.0.1:8080/"),
            ("socks5://127.0.0.1:1080", "", "", "http://example.com", "socks5h://127.0.0.1:1080"),
            ("socks5h://127.0.0.1", "", "", "http://example.com", "socks5h://127.0.0.1"),
            ("foo://host:3128", "", "", "http://example.com", "http://host:3128/"),
            ("%", "", "", "http://example.com", "direct"),
            ("http.proxy.tld", "secure.proxy.tld", "", "http://insecure.tld/", "http://http.proxy.tld/"),
            ("http.proxy.tld", "secure.proxy.tld", "", "https://secure.tld/", "http://secure.proxy.tld/"),
            ("http.proxy.tld", "https://secure.proxy.tld", "", "https://secure.tld/", "https://secure.proxy.tld/"),
            ("http.proxy.tld", "", "", "https://secure.tld/", "direct"),
            ("http.proxy.tld", "", "", "ftp://insecure.tld/", "direct"),
            ("", "", "", "http://example.com", "direct"),
            ("proxy", "", "example.com", "http://example.com", "direct"),
            ("proxy", "", ".example.com", "http://example.com", "http://proxy/"),
            ("proxy", "", "ample.com", "http://example.com", "http://proxy/"),
            ("proxy", "", "example.com", "http://foo.example.com", "direct"),
            ("proxy", "", ".foo.com", "http://example.com", "http://proxy/"),
            ("proxy", "", ".示例.com", "http://www.示例.com", "direct"),
            ("proxy", "", "xn--fsq092h.com", "http://www.示例.com", "direct"),
            ("proxy", "", "示例.com", "http://www.xn--fsq092h.com", "direct"),
            ("proxy", "", ":1", "http://example.com", "http://proxy/"),
            ("proxy", "", ", ,", "http://example.com", "http://proxy/"),
        ] {
            assert_eq!(proxy_of(http, https, exceptions, url), wanted, "{http:?} {https:?} {exceptions:?} {url}");
        }
    }

    /// As in golang.org/x/net v0.56.0.
    #[test]
    fn exceptions_are_those_of_go() {
        let exceptions = "foobar.com, .barbaz.net, *.wildcard.io, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, \
                          2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64";
        for (host, is_proxied) in [
            ("localhost", false),
            ("127.0.0.1", false),
            ("127.0.0.2", false),
            ("[::1]", false),
            ("[::2]", true),
            ("192.168.1.1", false),
            ("192.168.1.2", true),
            ("192.168.1.3", false),
            ("192.168.1.4", true),
            ("10.0.0.2", false),
            ("[2001:db8::52:0:1]", false),
            ("[2001:db8::52:0:2]", true),
            ("[2001:db8::52:0:3]", false),
            ("[2002:db8:a::123]", false),
            ("[fe80::424b:c8be:1643:a1b6]", true),
            ("barbaz.net", true),
            ("www.barbaz.net", false),
            ("foobar.com", false),
            ("www.foobar.com", false),
            ("foofoobar.com", true),
            ("baz.com", true),
            ("localhost.net", true),
            ("local.localhost", true),
            ("barbarbaz.net", true),
            ("wildcard.io", true),
            ("nested.wildcard.io", false),
            ("awildcard.io", true),
        ] {
            let url = format!("http://{host}/index.yaml");
            assert_eq!(proxy_of("proxy", "", exceptions, &url) != "direct", is_proxied, "{host}");
            assert_eq!(proxy_of("proxy", "", "a.b, *", &url), "direct", "{host}");
        }
        for (exception, url, is_proxied) in [
            ("charts.example.com:8443", "http://charts.example.com:8443", false),
            ("charts.example.com:8443", "http://charts.example.com", true),
            ("CHARTS.example.com", "http://charts.EXAMPLE.com", false),
            ("0.0.0.0/0", "http://1.2.3.4", false),
            ("::/0", "http://1.2.3.4", true),
            ("10.0.0.0/33", "http://10.0.0.0", true),
        ] {
            assert_eq!(proxy_of("proxy", "", exception, url) != "direct", is_proxied, "{exception} {url}");
        }
    }
}
