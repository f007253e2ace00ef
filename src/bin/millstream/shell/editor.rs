//! Lines of a terminal: history over sessions, statements over several lines, completion.

use std::path::PathBuf;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};

use millstream::sql::extent::whole_statements;
use millstream::sql::statement::parse;

use super::super::failure::{Failure, say};
use super::input::{Said, command};
use super::names::Names;

const PROMPT: &str = "millstream> ";

/// An editor with its history.
pub(super) struct Editor {
    lines: rustyline::Editor<Assistant, FileHistory>,
    /// Where the history is kept; nowhere where the user has no folder for data.
    history: Option<PathBuf>,
}

impl std::fmt::Debug for Editor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Editor").field("history", &self.history).finish_non_exhaustive()
    }
}

impl Editor {
    pub(super) fn open() -> Result<Self, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .history_ignore_space(true)
            .auto_add_history(false)
            .build();
        let mut lines = rustyline::Editor::with_config(config).map_err(broken)?;
        lines.set_helper(Some(Assistant::default()));
        let mut editor = Self { lines, history: None };
        if let Some(path) = history_file(|name| std::env::var_os(name).map(PathBuf::from)) {
            editor.load(path);
        }
        Ok(editor)
    }

    /// A history that cannot be kept is no reason not to work.
    fn load(&mut self, path: PathBuf) {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let is_there = path.exists();
        let loaded = match made {
            Ok(()) if is_there => self.lines.load_history(&path),
            Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        };
        match loaded {
            Ok(()) => self.history = Some(path),
            Err(error) => say(&format!("no history is kept in `{}`: {error}", path.display())),
        }
    }

    /// Reads up to the end of a command or a statement.
    pub(super) fn read(&mut self, names: Names) -> Result<Said, Failure> {
        if let Some(assistant) = self.lines.helper_mut() {
            assistant.names = names;
        }
        let text = match self.lines.readline(PROMPT) {
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => return Ok(Said::Cancelled),
            Err(ReadlineError::Eof) => return Ok(Said::End),
            Err(error) => return Err(broken(error)),
        };
        if text.trim().is_empty() {
            return Ok(Said::Cancelled);
        }
        self.remember(text.trim());
        Ok(command(&text).unwrap_or(Said::Statements { text, lines_before: 0 }))
    }

    fn remember(&mut self, text: &str) {
        let Ok(true) = self.lines.add_history_entry(text) else { return };
        let Some(path) = &self.history else { return };
        if let Err(error) = self.lines.append_history(path) {
            say(&format!("the history in `{}` cannot be written: {error}", path.display()));
            self.history = None;
        }
    }
}

fn broken(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => Failure::io("the terminal cannot be read", error),
        other => Failure::io("the terminal cannot be read", std::io::Error::other(other)),
    }
}

/// The file of the history in the user's folder for data.
fn history_file(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let home = || variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
    let folder = if cfg!(windows) {
        variable("APPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Application Support"))
    } else {
        // A relative path is to be ignored, as the XDG specification has it.
        variable("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| home().map(|home| home.join(".local").join("share")))
    };
    folder.map(|folder| folder.join("millstream").join("history"))
}

/// Tells the editor when a statement is whole, and what a word may become.
#[derive(Debug, Default)]
struct Assistant {
    names: Names,
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_whole(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Whether nothing has to follow: a command, or statements and no more than a comment after them.
fn is_whole(text: &str) -> bool {
    let start = text.trim_start();
    let is_blank = |text: &str| parse(text).is_ok_and(|statements| statements.is_empty());
    start.is_empty() || start.starts_with('.') || {
        let length = whole_statements(text);
        length > 0 && is_blank(&text[length..])
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = self.names.complete(&line[..at]);
        let pair = |word: String| Pair { display: word.clone(), replacement: word };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_whole_with_its_semicolon_and_a_command_at_once() {
        for whole in ["", "  ", ".help", "SELECT 1;", "SELECT 1; -- one\n", "SELECT ';';\n"] {
            assert!(is_whole(whole), "{whole}");
        }
        for open in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT", "-- nothing"] {
            assert!(!is_whole(open), "{open}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_history_is_in_the_folder_for_data() {
        let home = |name: &str| (name == "HOME").then(|| PathBuf::from("/home/u"));
        let file = history_file(home).unwrap();
        assert_eq!(file, PathBuf::from("/home/u/.local/share/millstream/history"));
        let data = |name: &str| (name == "XDG_DATA_HOME").then(|| PathBuf::from("/data"));
        assert_eq!(history_file(data), Some(PathBuf::from("/data/millstream/history")));
        assert_eq!(history_file(|_| None), None);
    }
}
