//! Lines of a terminal: history over sessions, statements over several lines, completion. What is
//! printed while a line is edited appears above it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, ExternalPrinter, Helper};

use super::super::failure::{Failure, say};
use super::super::screen::{self, PromptShown};
use super::input::{Said, all_said, is_whole};
use super::names::Names;

const PROMPT: &str = "millstream> ";

/// Stands before the further lines of a statement.
const CONTINUATION: &str = "       ...> ";

/// An editor with its history.
pub(super) struct Editor {
    lines: rustyline::Editor<Assistant, FileHistory>,
    /// Where the history is kept; nowhere where the user has no folder for data.
    history: Option<PathBuf>,
    /// What was said at once, and is not done yet.
    said: VecDeque<Said>,
    /// Whether what comes while a line is edited can be printed above it.
    prints_above: bool,
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
        // A terminal that cannot edit lines cannot print above them either.
        let above = lines.create_external_printer().ok().map(|mut printer| {
            screen::pump(move |text| {
                // Where the terminal is gone, nobody is there to be told.
                let _closed = printer.print(text);
            });
        });
        let mut editor =
            Self { lines, history: None, said: VecDeque::new(), prints_above: above.is_some() };
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
        if let Some(said) = self.said.pop_front() {
            return Ok(said);
        }
        if let Some(assistant) = self.lines.helper_mut() {
            assistant.names = names;
        }
        let mut text = String::new();
        loop {
            let prompt = if text.is_empty() { PROMPT } else { CONTINUATION };
            if let Some(assistant) = self.lines.helper_mut() {
                assistant.earlier.clone_from(&text);
            }
            match self.line(prompt) {
                Ok(line) => text.push_str(&line),
                Err(ReadlineError::Interrupted) => return Ok(Said::Cancelled),
                Err(ReadlineError::Eof) => return Ok(Said::End),
                Err(error) => return Err(broken(error)),
            }
            if text.trim().is_empty() {
                return Ok(Said::Cancelled);
            }
            if is_whole(&text) {
                self.remember(text.trim());
                self.said.extend(all_said(&text));
                return Ok(self.said.pop_front().unwrap_or(Said::Cancelled));
            }
            text.push('\n');
        }
    }

    fn line(&mut self, prompt: &str) -> rustyline::Result<String> {
        let _shown = self.prints_above.then(PromptShown::begin);
        self.lines.readline(prompt)
    }

    /// Where the history is kept.
    pub(super) fn history(&self) -> Option<&Path> {
        self.history.as_deref()
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

/// Tells the editor what a word may become.
#[derive(Debug, Default)]
struct Assistant {
    names: Names,
    /// The lines of the statement that were read.
    earlier: String,
}

// The lines of a statement are read one by one, each behind its prompt.
impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = self.names.complete(&self.earlier, line, at);
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
