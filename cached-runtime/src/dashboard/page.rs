//! The page. Must never write a text that is not escaped, and must be whole without its script.

use super::history::Sample;
use super::servers::Server;
use crate::gathered::Gathered;
use std::fmt::Write as _;
use std::time::Duration;

/// How a cache is, in a word and a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Healthy,
    Idle,
    LowHitRate,
    Errors,
    Unreachable,
}

impl Health {
    pub(super) fn of(cache: &Gathered) -> Self {
        let stats = &cache.stats;
        if matches!(breaker(cache), Some("failing" | "unusable")) {
            Self::Unreachable
        } else if stats.pending > 0 || stats.load_errors.saturating_mul(10) > stats.loads {
            Self::Errors
        } else if stats.requests() < 10 {
            Self::Idle
        } else if stats.hit_rate() < 0.5 {
            Self::LowHitRate
        } else {
            Self::Healthy
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Idle => "idle",
            Self::LowHitRate => "low",
            Self::Errors => "errors",
            Self::Unreachable => "unreachable",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Idle => "hardly used",
            Self::LowHitRate => "low hit rate",
            Self::Errors => "errors",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What calls of a cache in Redis meet at its connection.
pub(super) fn breaker(cache: &Gathered) -> Option<&'static str> {
    #[cfg(feature = "redis")]
    {
        use crate::redis::State;
        let health = cache.caches.first()?.health()?;
        Some(match health.state {
            State::Idle => "not connected",
            State::Well => "well",
            State::Failing => "failing",
            State::Unusable => "unusable",
        })
    }
    #[cfg(not(feature = "redis"))]
    {
        let _ = cache;
        None
    }
}

/// The columns of the table of caches: name, heading, whether it is a number.
const COLUMNS: [(&str, &str); 17] = [
    ("health", "Health"),
    ("backend", "Backend"),
    ("hits", "Hits"),
    ("misses", "Misses"),
    ("hit_rate", "Hit rate"),
    ("entries", "Entries"),
    ("evictions", "Evictions"),
    ("expirations", "Expirations"),
    ("invalidations", "Invalidations"),
    ("loads", "Loads"),
    ("mean_load", "Mean load"),
    ("p99_load", "p99 load"),
    ("errors", "Errors"),
    ("coalesced", "Shared loads"),
    ("stale", "Stale served"),
    ("refreshes", "Refreshes"),
    ("breaker", "Breaker"),
];

/// What stands in a cache's row, in the order of the columns.
pub(super) fn cells(cache: &Gathered) -> [(&'static str, String); COLUMNS.len()] {
    let stats = &cache.stats;
    let bound = match (stats.max_weight, stats.capacity) {
        (Some(max), _) => format!("{} ({} of {})", count(stats.entries as u64), count(stats.weight), count(max)),
        (None, Some(capacity)) => format!("{} of {}", count(stats.entries as u64), count(capacity as u64)),
        (None, None) if cache.backend == "redis" => "on the server".to_owned(),
        (None, None) => count(stats.entries as u64),
    };
    let errors = stats.load_errors.saturating_add(stats.store_errors);
    let texts = [
        Health::of(cache).text().to_owned(),
        match cache.connection {
            Some(connection) => format!("{} ({connection})", cache.backend),
            None => cache.backend.to_owned(),
        },
        count(stats.hits),
        count(stats.misses),
        if stats.requests() == 0 { "-".to_owned() } else { percent(stats.hit_rate()) },
        bound,
        count(stats.evictions),
        count(stats.expirations),
        count(stats.invalidations),
        count(stats.loads),
        time(stats.mean_load_time()),
        time(stats.load_time_quantile(0.99)),
        count(errors),
        count(stats.coalesced),
        count(stats.stale),
        count(stats.refreshes),
        breaker(cache).unwrap_or("-").to_owned(),
    ];
    let mut at = 0;
    texts.map(|text| {
        let column = COLUMNS[at].0;
        at += 1;
        (column, text)
    })
}

const SERVER_COLUMNS: [(&str, &str); 9] = [
    ("state", "Breaker"),
    ("address", "Address"),
    ("used", "Memory used"),
    ("peak", "Peak"),
    ("fragmentation", "Fragmentation"),
    ("keys", "Keys"),
    ("expiring", "Keys with a ttl"),
    ("hit_rate", "Hit rate"),
    ("operations", "Operations a second"),
];

pub(super) fn server_cells(server: &Server) -> [(&'static str, String); SERVER_COLUMNS.len()] {
    let number = |of: &dyn Fn(&super::servers::Info) -> String| {
        server.info.as_ref().map_or_else(|| "unavailable".to_owned(), of)
    };
    let state = match &server.error {
        Some(error) => format!("{}: {error}", server.state),
        None => server.state.to_owned(),
    };
    let dash = || "-".to_owned();
    [
        ("state", state),
        ("address", server.address.clone()),
        ("used", number(&|info| bytes(info.used))),
        ("peak", number(&|info| bytes(info.peak))),
        ("fragmentation", number(&|info| info.fragmentation().map_or_else(dash, |ratio| format!("{ratio:.2}")))),
        ("keys", number(&|info| count(info.keys))),
        ("expiring", number(&|info| count(info.expiring))),
        ("hit_rate", number(&|info| info.hit_rate().map_or_else(dash, percent))),
        ("operations", number(&|info| count(info.operations))),
    ]
}

/// With thin groups of three digits: `1,234,567`.
fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

fn time(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{time:.1?}"))
}

#[expect(clippy::cast_precision_loss, reason = "rounded for people to read")]
fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = n as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// The last segment of a path; empty for the root or after a slash. What a page links to stands below it, so that links
/// are right under any prefix, also one that a proxy takes off.
pub(super) fn place(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or("")
}

/// Text for HTML, also inside of quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

pub(super) fn render(
    path: &str,
    caches: &[Gathered],
    servers: &[Server],
    samples: &[Sample],
    said: Option<&str>,
) -> String {
    let place = place(path);
    let base = if place.is_empty() { String::new() } else { format!("{}/", escaped(place)) };
    let said = match said {
        Some("cleared") => "<p class=\"said\" role=\"status\">The cache was cleared.</p>",
        Some("invalidated") => "<p class=\"said\" role=\"status\">The tag was invalidated.</p>",
        _ => "",
    };
    let mut page = String::with_capacity(8192);
    // Writing to a `String` can't fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Caches</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"{base}dashboard.css\">\n\
         <script src=\"{base}dashboard.js\" defer></script>\n</head>\n\
         <body data-base=\"{base}\">\n<header><h1>Caches</h1>\n\
         <p id=\"live\" role=\"status\">As of the time this page was loaded.</p></header>\n<main>\n{said}\n"
    );
    chart(&mut page, samples);
    cache_table(&mut page, &base, caches);
    server_table(&mut page, servers);
    actions(&mut page, &base);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The chart's place, and its last figures in words; the script draws it.
fn chart(page: &mut String, samples: &[Sample]) {
    let (first, last) = (samples.first(), samples.last());
    let words = match (first, last) {
        (Some(first), Some(last)) => {
            let hits = last.hits.saturating_sub(first.hits);
            let misses = last.misses.saturating_sub(first.misses);
            let seconds = last.at.saturating_sub(first.at) / 1000;
            format!("In the last {seconds} s: {} hits, {} misses.", count(hits), count(misses))
        }
        _ => String::new(),
    };
    let _ = write!(
        page,
        "<section aria-labelledby=\"chart-title\">\n<h2 id=\"chart-title\">Over time</h2>\n\
         <svg id=\"chart\" viewBox=\"0 0 600 160\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Requests a second and hit rate over the last five minutes\">\n\
         <path class=\"grid\" d=\"M0 40H600M0 80H600M0 120H600\"></path>\n<path class=\"line requests\" d=\"\"></path>\n\
         <path class=\"line rate\" d=\"\"></path>\n</svg>\n\
         <p class=\"legend\"><span class=\"key rate\"></span> hit rate (0 to 100%) \
         <span class=\"key requests\"></span> requests a second <span id=\"most\"></span></p>\n\
         <p id=\"words\">{words}</p>\n</section>\n"
    );
}

fn cache_table(page: &mut String, base: &str, caches: &[Gathered]) {
    page.push_str("<section aria-labelledby=\"caches-title\">\n<h2 id=\"caches-title\">All caches</h2>\n");
    page.push_str("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"caches-title\">\n");
    page.push_str(
        "<table id=\"caches\">\n<caption>One line for each name and backend, since the last reset</caption>\n",
    );
    page.push_str("<thead><tr><th scope=\"col\">Cache</th>");
    for (_, heading) in COLUMNS {
        let _ = write!(page, "<th scope=\"col\">{heading}</th>");
    }
    page.push_str("<th scope=\"col\">Action</th></tr></thead>\n<tbody>\n");
    for cache in caches {
        let name = escaped(&cache.name);
        let _ = write!(
            page,
            "<tr data-cache=\"{name}\" data-backend=\"{}\" data-connection=\"{}\" class=\"{}\"><th scope=\"row\">{name}</th>",
            cache.backend,
            escaped(cache.connection.unwrap_or("")),
            Health::of(cache).class(),
        );
        for (column, text) in cells(cache) {
            let _ = write!(page, "<td data-col=\"{column}\">{}</td>", escaped(&text));
        }
        let _ = writeln!(
            page,
            "<td><form method=\"post\" action=\"{base}clear\"><input type=\"hidden\" name=\"cache\" value=\"{name}\">\
             <input type=\"hidden\" name=\"backend\" value=\"{}\">\
             <button aria-label=\"Clear {name}\">Clear</button></form></td></tr>",
            cache.backend,
        );
    }
    page.push_str("</tbody>\n</table>\n</div>\n");
    if caches.is_empty() {
        page.push_str("<p>No cache was used yet: each is listed from its first call on.</p>\n");
    }
    page.push_str("</section>\n");
}

fn server_table(page: &mut String, servers: &[Server]) {
    if servers.is_empty() {
        return;
    }
    page.push_str("<section aria-labelledby=\"servers-title\">\n<h2 id=\"servers-title\">Redis connections</h2>\n");
    page.push_str("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"servers-title\">\n");
    page.push_str("<table id=\"servers\">\n<caption>What each server says about itself</caption>\n");
    page.push_str("<thead><tr><th scope=\"col\">Connection</th>");
    for (_, heading) in SERVER_COLUMNS {
        let _ = write!(page, "<th scope=\"col\">{heading}</th>");
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for server in servers {
        let (name, class) = (escaped(&server.name), if server.good { "healthy" } else { "unreachable" });
        let _ = write!(page, "<tr data-server=\"{name}\" class=\"{class}\"><th scope=\"row\">{name}</th>");
        for (column, text) in server_cells(server) {
            let _ = write!(page, "<td data-col=\"{column}\">{}</td>", escaped(&text));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

fn actions(page: &mut String, base: &str) {
    let _ = write!(
        page,
        "<section aria-labelledby=\"actions-title\">\n<h2 id=\"actions-title\">Actions</h2>\n<div class=\"actions\">\n\
         <form method=\"post\" action=\"{base}invalidate-tag\"><label for=\"tag\">Tag</label> \
         <input id=\"tag\" name=\"tag\" required autocomplete=\"off\"> <button>Invalidate</button></form>\n\
         <form method=\"post\" action=\"{base}clear\"><input type=\"hidden\" name=\"cache\" value=\"*\">\
         <button>Clear all caches</button></form>\n</div>\n\
         <p>As data: <a href=\"{base}stats.json\">JSON</a>, <a href=\"{base}metrics\">Prometheus</a></p>\n</section>\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_people() {
        assert_eq!((count(0), count(999), count(1000)), ("0".into(), "999".into(), "1,000".into()));
        assert_eq!((count(1_234_567), percent(0.125)), ("1,234,567".into(), "12.5%".into()));
        assert_eq!(
            (bytes(1023), bytes(1536), bytes(u64::MAX)),
            ("1023 B".into(), "1.5 KiB".into(), "16777216.0 TiB".into())
        );
        assert_eq!(escaped("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }

    #[test]
    fn links_stand_below_the_page() {
        assert_eq!((place("/cache-stats"), place("/ops/caches/"), place("/")), ("cache-stats", "", ""));
    }

    #[test]
    fn columns_have_their_cells() {
        let cache = Gathered {
            name: "x".to_owned(),
            backend: "memory",
            connection: None,
            stats: crate::Stats::default(),
            caches: Vec::new(),
        };
        for ((column, _), (of, _)) in COLUMNS.iter().zip(cells(&cache)) {
            assert_eq!(*column, of);
        }
        for ((column, _), (of, _)) in SERVER_COLUMNS.iter().zip(server_cells(&Server::default())) {
            assert_eq!(*column, of);
        }
    }
}
