//! What switches a Django project's debugging on.

use crate::model::detect::reads::literal;

/// Calls that give what the environment holds, as text.
const TEXTS: [&str; 6] =
    ["os.environ", "environ", "os.environ.get", "environ.get", "os.getenv", "getenv"];

/// Calls that make a truth of it, or the text, of which none but an empty one is false.
const TRUTHS: [&str; 2] = ["env", "env.bool"];

/// A value of the variable with which `DEBUG` is on. `None`: it is on without one, or no value is known to switch it on.
pub(super) fn value(setting: &str, name: &str, text: &str) -> Option<String> {
    let code = setting.split("  #").next()?.trim();
    let (before, after) = code.split_once(name)?;
    let call = before.strip_suffix(['"', '\''])?.trim_end().strip_suffix(['(', '['])?;
    let (arguments, rest) = after.strip_prefix(['"', '\''])?.split_once([')', ']'])?;
    let (default, cast) = arguments_of(arguments)?;
    let is_off = default.is_none_or(is_false);
    let on = |value: &str| Some(value.to_owned());
    match (call, rest.trim()) {
        ("env", "") if cast.is_none() && default.is_none() && is_on_by_scheme(name, text) => None,
        (call, "") if TRUTHS.contains(&call) && cast.is_none() && is_off => on("True"),
        (_, "") if cast == Some("bool") && is_off => on("True"),
        _ if cast.is_some() => None,
        (call, "") if TEXTS.contains(&call) && default.is_none_or(is_nothing) => on("True"),
        (call, rest) if TEXTS.contains(&call) => compared(rest, default),
        (call, rest) => {
            let inner = call.strip_prefix("bool(").unwrap_or(call).strip_prefix("int(")?;
            let closes = rest.chars().all(|c| c == ')');
            (closes && TEXTS.contains(&inner) && is_off).then(|| "1".to_owned())
        }
    }
}

/// The default of a call and what its value is made, where these are all that it is told.
fn arguments_of(arguments: &str) -> Option<(Option<&str>, Option<&str>)> {
    let (mut default, mut cast) = (None, None);
    for part in arguments.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("cast", kind)) => cast = Some(kind),
            Some(("default", value)) => default = Some(value),
            None if default.is_none() => default = Some(part),
            _ => return None,
        }
    }
    (!arguments.contains('(')).then_some((default, cast))
}

fn is_on_by_scheme(name: &str, text: &str) -> bool {
    let schemes = [format!("{name}=(bool, True"), format!("\"{name}\": (bool, True")];
    schemes.iter().any(|scheme| text.contains(scheme))
}

/// `== "True"`, `.lower() != "false"`: the value with which this is true.
fn compared(rest: &str, default: Option<&str>) -> Option<String> {
    let (rest, is_lower) = match rest.strip_prefix(".lower()") {
        Some(rest) => (rest.trim_start(), true),
        None => (rest, false),
    };
    let (is_equal, rest) = match rest.strip_prefix("==") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix("!=")?),
    };
    let (word, rest) = literal(rest.trim_start())?;
    let seen = |text: &str| if is_lower { text.to_lowercase() } else { text.to_owned() };
    let without = default.map(|default| seen(unquoted(default)));
    let is_set = without.as_deref() == Some(word);
    let value = if is_equal { word } else { "True" };
    let is_known = rest.trim().is_empty() && (seen(value) == word) == is_equal;
    (is_known && is_set != is_equal).then(|| value.to_owned())
}

fn unquoted(text: &str) -> &str {
    literal(text).map_or(text, |(text, _)| text)
}

/// What a call that makes a truth of it takes for none.
fn is_false(default: &str) -> bool {
    let word = unquoted(default).to_lowercase();
    is_nothing(default) || ["false", "0", "no", "n", "off", "f"].contains(&word.as_str())
}

/// What is false in Python itself.
fn is_nothing(default: &str) -> bool {
    ["False", "None", "0"].contains(&default) || unquoted(default).is_empty()
}
