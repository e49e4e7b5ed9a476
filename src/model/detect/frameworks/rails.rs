//! Rails.

use super::Framework;
use crate::model::config::Kind;
use crate::model::detect::paths::dir;
use crate::model::detect::processes::enter;
use crate::model::detect::seen::Seen;

/// A Gemfile with the gem `rails`.
pub(super) fn find(seen: &Seen) -> Option<Framework> {
    let file = seen.named("Gemfile").next()?;
    let gems: Vec<&str> =
        seen.text(file).lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let gems = gems.join("\n");
    let has = |name: &str| {
        ['"', '\''].iter().any(|quote| gems.contains(&format!("gem {quote}{name}{quote}")))
    };
    let place = dir(file);
    let is_there = seen.tracked.contains(&format!("{place}bin/rails"));
    let serve = (place.to_owned(), enter(place) + "bin/rails server -p $PORT");
    let mut servers = Vec::new();
    servers.extend((has("mysql2") || has("trilogy")).then_some(Kind::Mysql));
    servers.extend(has("pg").then_some(Kind::Postgres));
    servers.extend((has("redis") || has("sidekiq") || has("resque")).then_some(Kind::Redis));
    has("rails").then(|| Framework {
        found: format!("{file}: Rails"),
        port: Some(("PORT".to_owned(), 3000)),
        servers,
        serve: is_there.then_some(serve),
        // The first over database.yml; the second is read by the gems for Redis.
        reads: &["DATABASE_URL", "REDIS_URL"],
        prepare: vec!["bundle install".to_owned()],
        migrate: vec!["bin/rails db:prepare".to_owned()],
        // Where database.yml makes the name of the tests' database of the variable.
        also: &["{}_test", "{}_test-*", "{}_test_*"],
        ..Framework::default()
    })
}
