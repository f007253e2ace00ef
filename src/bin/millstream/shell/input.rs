//! What the user says next: from an editor on a terminal, else line by line from the standard
//! input. Reading blocks, so it goes to a thread of its own and streaming queries run on.

use std::io::{self, IsTerminal};
use std::path::Path;

use millstream::runtime::task;
use millstream::sql::extent::whole_statements;
use millstream::sql::statement::parse;

use super::super::failure::Failure;
use super::editor::Editor;
use super::names::Names;

/// Something that the user said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A command, without its dot.
    Command(String),
    /// Statements, and how many lines came before them.
    Statements { text: String, lines_before: usize },
    /// The input was taken back.
    Cancelled,
    /// There is no more.
    End,
}

/// Where input comes from.
#[derive(Debug)]
pub(super) enum Input {
    /// The editor is away while it reads.
    Terminal(Option<Box<Editor>>),
    Pipe(Pending),
}

/// Lines that make no whole statement yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    text: String,
    lines_before: usize,
}

impl Input {
    /// The terminal where both ends are one, else the standard input.
    pub(super) fn open() -> Result<Self, Failure> {
        if io::stdin().is_terminal() && io::stdout().is_terminal() {
            return Ok(Self::Terminal(Some(Box::new(Editor::open()?))));
        }
        Ok(Self::Pipe(Pending::default()))
    }

    pub(super) const fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal(_))
    }

    /// Where what is said is kept.
    pub(super) fn history(&self) -> Option<&Path> {
        match self {
            Self::Terminal(editor) => editor.as_ref()?.history(),
            Self::Pipe(_) => None,
        }
    }

    /// Waits for the next that is whole. `names` is what the editor can complete.
    pub(super) async fn next(&mut self, names: Names) -> Result<Said, Failure> {
        match self {
            Self::Terminal(editor) => {
                let Some(mut reading) = editor.take() else { return Ok(Said::End) };
                let read = task::spawn_blocking(move || {
                    let said = reading.read(names);
                    (reading, said)
                });
                let (reading, said) = read.await.map_err(Failure::engine)?;
                *editor = Some(reading);
                said
            }
            Self::Pipe(pending) => loop {
                let read = task::spawn_blocking(|| {
                    let mut line = String::new();
                    io::stdin().read_line(&mut line).map(|length| (length > 0).then_some(line))
                });
                let line = read.await.map_err(Failure::engine)?;
                let line = line.map_err(|error| Failure::io("cannot read the input", error))?;
                if let Some(said) = pending.add(line) {
                    return Ok(said);
                }
            },
        }
    }
}

impl Pending {
    /// Takes a line, or the end of the input; gives what is whole now.
    fn add(&mut self, line: Option<String>) -> Option<Said> {
        let Some(line) = line else {
            // What was said last needs no semicolon.
            let rest = self.take(self.text.len());
            return Some(if rest.is_blank() { Said::End } else { rest });
        };
        // Some editors of Windows put a mark before the text.
        let line = match line.strip_prefix('\u{feff}') {
            Some(rest) if self.text.is_empty() && self.lines_before == 0 => rest.to_owned(),
            _ => line,
        };
        if is_blank(&self.text)
            && let Some(command) = command(&line)
        {
            self.lines_before += 1 + self.text.matches('\n').count();
            self.text.clear();
            return Some(command);
        }
        self.text.push_str(&line);
        let length = whole_statements(&self.text);
        (length > 0).then(|| self.take(length))
    }

    fn take(&mut self, length: usize) -> Said {
        let rest = self.text.split_off(length);
        let text = std::mem::replace(&mut self.text, rest);
        let lines_before = self.lines_before;
        self.lines_before += text.matches('\n').count();
        Said::Statements { text, lines_before }
    }
}

impl Said {
    fn is_blank(&self) -> bool {
        matches!(self, Self::Statements { text, .. } if text.trim().is_empty())
    }
}

/// Whether a text says nothing: blanks and comments.
fn is_blank(text: &str) -> bool {
    parse(text).is_ok_and(|statements| statements.is_empty())
}

/// Whether nothing has to follow: commands, and statements that are whole.
pub(super) fn is_whole(text: &str) -> bool {
    let (line, rest) = text.trim_start().split_once('\n').unwrap_or((text, ""));
    if command(line).is_some() {
        return is_whole(rest);
    }
    // What stands behind the last semicolon, or everything where there is none.
    is_blank(&text[whole_statements(text)..])
}

/// All that is said in a text, which may be lines that were pasted at once.
pub(super) fn all_said(text: &str) -> Vec<Said> {
    let mut pending = Pending::default();
    let lines = text.split_inclusive('\n').map(|line| Some(line.to_owned())).chain([None]);
    lines.filter_map(|line| pending.add(line)).filter(|said| *said != Said::End).collect()
}

/// Commands that are known without their dot too, as other shells have them.
const PLAIN: &[&str] = &["exit", "help", "quit"];

/// Commands of other shells, and those here that do the same.
const ELSEWHERE: &[(&str, &str)] = &[("\\q", "quit"), ("\\d", "tables"), ("\\?", "help")];

/// The command in a line: what begins with a dot, or one of the few words that need none.
pub(super) fn command(line: &str) -> Option<Said> {
    let line = line.trim();
    let word = line.trim_end_matches([';', ' ', '\t']);
    let plain = PLAIN.iter().any(|plain| word.eq_ignore_ascii_case(plain)).then_some(word);
    let elsewhere = ELSEWHERE.iter().find(|(known, _)| *known == word).map(|(_, here)| *here);
    line.strip_prefix('.').or(plain).or(elsewhere).map(|command| Said::Command(command.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str, lines_before: usize) -> Said {
        Said::Statements { text: text.to_owned(), lines_before }
    }

    fn add(pending: &mut Pending, line: &str) -> Option<Said> {
        pending.add(Some(line.to_owned()))
    }

    #[test]
    fn a_statement_goes_on_over_lines_up_to_its_semicolon() {
        let mut pending = Pending::default();
        assert_eq!(add(&mut pending, "\u{feff}SELECT ';\n"), None);
        assert_eq!(add(&mut pending, "'; SELECT 2\n"), Some(statements("SELECT ';\n';", 0)));
        assert_eq!(pending.add(None), Some(statements(" SELECT 2\n", 1)));
        assert_eq!(pending.add(None), Some(Said::End));
    }

    #[test]
    fn a_statement_is_whole_with_its_semicolon_and_a_comment_or_a_command_at_once() {
        for whole in [
            "",
            ".help",
            "quit",
            "SELECT 1;",
            "SELECT 1; -- one\n",
            "SELECT ';';\n",
            "-- nothing",
            "/* ; */",
            ".tables\nSELECT 1;",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for open in
            ["SELECT 1", "SELECT ';", "SELECT 1; SELECT", "/* a", "-- a\nSELECT", ".tables\nSELECT"]
        {
            assert!(!is_whole(open), "{open}");
        }
    }

    #[test]
    fn what_is_pasted_is_said_one_by_one() {
        let said = all_said("SELECT 1;\n.tables\nSELECT 2,\n 3;\nhelp;\n");
        let command = |name: &str| Said::Command(name.to_owned());
        let expected = [
            statements("SELECT 1;", 0),
            command("tables"),
            statements("SELECT 2,\n 3;", 2),
            command("help"),
        ];
        assert_eq!(said, expected);
        assert_eq!(all_said("SELECT 1;"), [statements("SELECT 1;", 0)]);
    }

    #[test]
    fn a_dot_begins_a_command_only_where_no_statement_has_begun() {
        let mut pending = Pending::default();
        assert_eq!(add(&mut pending, "-- a comment\n"), None);
        assert_eq!(add(&mut pending, " .help \n"), Some(Said::Command("help".to_owned())));
        assert_eq!(add(&mut pending, "QUIT ;\n"), Some(Said::Command("QUIT".to_owned())));
        assert_eq!(add(&mut pending, "\\q\n"), Some(Said::Command("quit".to_owned())));
        assert_eq!(add(&mut pending, "\\d;\n"), Some(Said::Command("tables".to_owned())));
        assert_eq!(add(&mut pending, "SELECT 0\n"), None);
        assert_eq!(add(&mut pending, ".5;"), Some(statements("SELECT 0\n.5;", 5)));
    }
}
