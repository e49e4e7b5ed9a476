//! A client of the test Postgres. Starting `psql` takes twenty times as long as most of what it is asked.

use std::io::{self, BufReader, Error, Read, Write};
use std::net::TcpStream;

/// A session. The server has forgotten it when it is dropped.
pub(super) struct Session {
    server: BufReader<TcpStream>,
}

/// What a session answered: a row's columns joined by `|`, as `psql -At` prints them, or the server's complaint.
pub(super) type Answer = Result<Vec<String>, String>;

/// Version 3.0 of the protocol.
const VERSION: i32 = 3 << 16;

impl Session {
    /// Connects as the administrator, who needs no password.
    pub(super) fn open(port: u16, database: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut session = Session { server: BufReader::new(stream) };
        let names = ["user", "postgres", "database", database, "application_name", "psql", ""];
        let words: Vec<u8> =
            names.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect();
        session.send(None, &[&VERSION.to_be_bytes()[..], &words].concat());
        session.answer().map_err(|error| error.to_string())?.map(|_| session)
    }

    /// Runs one statement; an error is that of the connection.
    pub(super) fn run(&mut self, statement: &str) -> io::Result<Answer> {
        self.send(Some(b'Q'), &[statement.as_bytes(), b"\0"].concat());
        self.answer()
    }

    /// Ignores errors: then the answer says what is wrong.
    fn send(&mut self, kind: Option<u8>, content: &[u8]) {
        let length = i32::try_from(content.len() + 4).expect("a short message").to_be_bytes();
        let message: Vec<u8> =
            kind.into_iter().chain(length).chain(content.iter().copied()).collect();
        let _ = self.server.get_mut().write_all(&message);
    }

    /// All that the server says until it is ready for the next statement.
    fn answer(&mut self) -> io::Result<Answer> {
        let mut answer: Answer = Ok(Vec::new());
        loop {
            let (kind, content) = self.message()?;
            match kind {
                b'D' => answer.iter_mut().for_each(|rows| rows.push(row(&content))),
                // It ends a session with it, or refuses one.
                b'E' if content.starts_with(b"SFATAL\0") => {
                    return Err(Error::other(complaint(&content)));
                }
                b'E' => answer = Err(complaint(&content)),
                b'G' | b'H' => return Err(Error::other("COPY is for psql")),
                b'R' if content[..4] != [0; 4] => return Err(Error::other("it wants a password")),
                b'Z' => return Ok(answer),
                _ => {}
            }
        }
    }

    fn message(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.server.read_exact(&mut head)?;
        let length = i32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let length = usize::try_from(length - 4).map_err(Error::other)?;
        let mut content = vec![0; length];
        self.server.read_exact(&mut content)?;
        Ok((head[0], content))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.send(Some(b'X'), &[]);
        // It ends when the server's process has.
        let _ = io::copy(&mut self.server, &mut io::sink());
    }
}

/// Whether this is one statement, and no command of `psql`'s own.
pub(super) fn is_one_statement(sql: &str) -> bool {
    let mut is_quoted = false;
    sql.trim_end().trim_end_matches(';').chars().all(|character| {
        is_quoted ^= character == '\'';
        is_quoted || !matches!(character, ';' | '\\')
    })
}

fn row(content: &[u8]) -> String {
    let (count, mut rest) = content.split_at(2);
    let columns = (0..i16::from_be_bytes([count[0], count[1]])).map(|_| {
        let (length, more) = rest.split_at(4);
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        // That of NULL is negative.
        let (value, more) = more.split_at(usize::try_from(length).unwrap_or(0));
        rest = more;
        String::from_utf8_lossy(value).into_owned()
    });
    columns.collect::<Vec<_>>().join("|")
}

/// The message among the fields of an error.
fn complaint(content: &[u8]) -> String {
    let mut fields = content.split(|byte| *byte == 0);
    let message = fields.find_map(|field| field.strip_prefix(b"M"));
    format!("ERROR:  {}", String::from_utf8_lossy(message.unwrap_or_default()))
}
