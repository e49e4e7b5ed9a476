//! Durations and sizes as people write them: `24h`, `5GB`.

/// Units of time, longest first, in seconds.
const TIMES: [(&str, u64); 4] = [("w", 7 * 86_400), ("d", 86_400), ("h", 3_600), ("m", 60)];

/// Units of size in bytes. Decimal ones first: they are what is printed.
const SIZES: [(&str, u64); 8] = [
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

/// The seconds of a duration such as `90m`, `24h`, `7d` or `2w`: a whole number and one unit.
pub fn seconds(text: &str) -> Option<u64> {
    whole(text, &TIMES)
}

/// As [`seconds`], for the command line.
///
/// # Errors
/// What is expected, in words.
pub fn parse_seconds(text: &str) -> Result<u64, String> {
    seconds(text).ok_or_else(|| "expected a whole number and a unit: 90m, 24h, 7d or 2w".to_owned())
}

/// The bytes of a size such as `500MB`, `5GB` or `2GiB`: a whole number and one unit.
pub fn bytes(text: &str) -> Option<u64> {
    whole(text, &SIZES)
}

/// A duration in its largest unit: `45s`, `12m`, `3h`, `2d`, `5w`.
pub fn duration(seconds: u64) -> String {
    match TIMES.iter().find(|(_, unit)| seconds >= *unit) {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// A size in its largest decimal unit, with one digit behind the point: `1.2 GB`, `512 B`.
pub fn size(bytes: u64) -> String {
    match SIZES[..4].iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// Seconds since 1970 as `2026-11-28 05:31` in UTC.
pub fn date(since_1970: u64) -> String {
    let (days, seconds) = (since_1970 / 86_400, since_1970 % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3_600, seconds / 60 % 60)
}

/// The date of a day since 1970 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

fn whole(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, name) = text.split_at(digits);
    let (_, unit) = units.iter().find(|(known, _)| *known == name)?;
    number.parse::<u64>().ok()?.checked_mul(*unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_one_unit_are_read_and_nothing_else() {
        assert_eq!(seconds("24h"), Some(86_400));
        assert_eq!(seconds("2w"), Some(14 * 86_400));
        assert_eq!(bytes("5GB"), Some(5_000_000_000));
        assert_eq!(bytes("2GiB"), Some(2 << 30));
        for other in ["", "24", "h", " 1h", "1 h", "1H", "-1h", "1.5h", "1h30m", "1s", "+1h"] {
            assert_eq!(seconds(other), None, "{other}");
        }
        for other in ["5", "GB", "5gb", "5 GB", "0.5GB", "5G", "99999999999999999TB"] {
            assert_eq!(bytes(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_shown_is_short() {
        assert_eq!([0, 59, 60, 7_199, 90_000].map(duration), ["0s", "59s", "1m", "1h", "1d"]);
        assert_eq!([999, 1_000, 1_250_000].map(size), ["999 B", "1.0 KB", "1.2 MB"]);
        assert_eq!(size(u64::MAX), "18446744.0 TB");
    }

    #[test]
    fn dates_know_leap_years() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(951_782_399), "2000-02-28 23:59");
        assert_eq!(date(951_782_400), "2000-02-29 00:00");
        assert_eq!(date(1_795_843_860), "2026-11-28 05:31");
    }
}
