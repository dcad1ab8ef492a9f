//! goose's state machine over the lines of a file, for one direction (goose/spec.md 2).
//!
//! Invariant: the statements are byte for byte goose's. What goose does but a person can hardly mean is a
//! [`Problem`] beside the result, never another result.

pub(super) mod fault;
mod line;
mod words;

use std::borrow::Cow;

use self::line::Line;
pub(super) use self::words::end_statement as ends_statement;
use super::annotation::{self, Annotation, is_comment};
use super::variables::{self, Substitution};
use crate::diagnostic::{Code, Problem};
use crate::migration::{Dialect, Direction, Mode, Statement};
use crate::text::{Span, saturate};

/// Whether a goose, of whatever version, ends a statement on this line.
pub(super) fn ends_in_some_version(line: &str) -> bool {
    words::end_statement(line) || words::ends_in_newer(line)
}

/// Whether every goose does.
pub(super) fn ends_in_every_version(line: &str) -> bool {
    words::end_statement(line) && words::ends_in_newer(line)
}

/// Where in a file the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Section(Direction),
    Block(Direction),
    /// After StatementEnd, until the block's statement was emitted.
    BlockEnd(Direction),
}

impl State {
    fn direction(self) -> Option<Direction> {
        match self {
            Self::Start => None,
            Self::Section(direction) | Self::Block(direction) | Self::BlockEnd(direction) => Some(direction),
        }
    }
}

/// What one direction of a file holds.
#[derive(Debug)]
pub struct Section {
    /// Whether the file runs in a transaction; the same for both directions.
    pub mode: Mode,
    /// goose's statements, in order.
    pub statements: Vec<Statement>,
    /// What goose accepts and a person can hardly mean.
    pub problems: Vec<Problem>,
    /// Whether the file switches ENVSUB on.
    pub substitutes: bool,
    /// The lines that are filled in.
    pub filled: Vec<Span>,
}

/// Splits the text for one direction, as goose would.
///
/// # Errors
/// The problem that makes goose refuse the file in this direction.
pub fn split(text: &str, direction: Direction, substitution: Substitution<'_>) -> Result<Section, Problem> {
    let mut machine = Machine::new(text, direction, substitution);
    for line in line::lines(text) {
        machine.line(line)?;
    }
    machine.finish()
}

struct Machine<'a> {
    text: &'a str,
    direction: Direction,
    substitution: Substitution<'a>,
    state: State,
    /// The statement being collected, and the part of the text that it comes from.
    buffer: String,
    collected: Span,
    collected_line: u32,
    envsub: bool,
    /// The StatementBegin line of the block that is open or was closed empty.
    block: Span,
    block_line: u32,
    section: Section,
}

impl<'a> Machine<'a> {
    fn new(text: &'a str, direction: Direction, substitution: Substitution<'a>) -> Self {
        let section = Section {
            mode: Mode::Transaction,
            statements: vec![],
            problems: vec![],
            substitutes: false,
            filled: vec![],
        };
        let state = State::Start;
        Self {
            text,
            direction,
            substitution,
            state,
            buffer: String::new(),
            collected: Span::default(),
            collected_line: 0,
            envsub: false,
            block: Span::default(),
            block_line: 0,
            section,
        }
    }

    /// One line, step by step as goose/spec.md 2.5 numbers them.
    fn line(&mut self, line: Line<'a>) -> Result<(), Problem> {
        if line.too_long {
            return Err(fault::line_too_long(line));
        }
        if self.state == State::Start && line.text.trim().is_empty() {
            return Ok(());
        }
        if let Some(annotation) = annotation::read(line.text) {
            let annotation = annotation.map_err(|bad| fault::bad_annotation(line, &bad))?;
            self.annotation(line, annotation)?;
            if annotation != Annotation::StatementEnd {
                return Ok(());
            }
        }
        if self.buffer.is_empty() && (line.text.is_empty() || is_comment(line.text)) {
            return Ok(());
        }
        let content = self.append(line)?;
        self.consume(line, &content)
    }

    /// Step 4: adds the line, with its variables filled in, to the statement being collected.
    fn append(&mut self, line: Line<'a>) -> Result<Cow<'a, str>, Problem> {
        if matches!(self.state, State::BlockEnd(_)) {
            return Ok(Cow::Borrowed(line.text));
        }
        let mut content = Cow::Borrowed(line.text);
        if self.envsub {
            let expanded = match variables::expand(line.text, self.substitution) {
                // Of the other section: read, and not run.
                Err(error)
                    if error.code == Code::VariableDialects && self.state.direction() != Some(self.direction) =>
                {
                    Ok(line.text.to_owned())
                }
                expanded => expanded,
            };
            content = Cow::Owned(expanded.map_err(|error| fault::bad_expansion(line.span, &error))?);
            self.section.filled.push(line.span);
        }
        if self.buffer.is_empty() {
            self.collected.start = line.span.start;
            self.collected_line = line.number;
        }
        self.collected.end = line.span.end;
        self.buffer.push_str(&content);
        self.buffer.push('\n');
        Ok(content)
    }

    /// Steps 5 to 7: whether the line ends a statement of the wanted direction.
    fn consume(&mut self, line: Line<'a>, content: &str) -> Result<(), Problem> {
        let Some(section) = self.state.direction() else {
            return Err(fault::sql_before_up(line));
        };
        if section != self.direction {
            self.buffer.clear();
            return Ok(());
        }
        match self.state {
            State::Section(_) if self.ends_statement(line, content)? => self.emit(),
            State::BlockEnd(_) => {
                if self.buffer.is_empty() {
                    self.drop_line(line);
                }
                self.emit();
                self.state = State::Section(section);
            }
            _ => {}
        }
        Ok(())
    }

    /// goose up to 3.29 gives up at a word of four megabytes, which only a value can be; later ones do not.
    fn ends_statement(&self, line: Line<'a>, content: &str) -> Result<bool, Problem> {
        let (old, new) = (words::end_statement(content), words::ends_in_newer(content));
        match self.substitution.dialect() {
            _ if old == new => Ok(old),
            Some(Dialect::Goose327) => Ok(old),
            Some(Dialect::Goose330) => Ok(new),
            None => Err(fault::long_value(line)),
        }
    }

    fn annotation(&mut self, line: Line<'a>, annotation: Annotation) -> Result<(), Problem> {
        match (annotation, self.state) {
            (Annotation::Up, State::Start) => self.state = State::Section(Direction::Up),
            (Annotation::Up, _) => return Err(fault::duplicate_up(line)),
            (Annotation::Down, State::Section(Direction::Up) | State::BlockEnd(Direction::Up)) => {
                self.finished_statement()?;
                self.warn_of_empty_block();
                self.state = State::Section(Direction::Down);
            }
            (Annotation::Down, _) => return Err(fault::down_out_of_place(line, self.state)),
            (Annotation::StatementBegin, State::Section(section) | State::BlockEnd(section)) => {
                self.warn_of_empty_block();
                self.block = line.span;
                self.block_line = line.number;
                self.state = State::Block(section);
            }
            (Annotation::StatementBegin, _) => return Err(fault::block_out_of_place(line, self.state)),
            (Annotation::StatementEnd, State::Block(section)) => self.state = State::BlockEnd(section),
            (Annotation::StatementEnd, _) => return Err(fault::block_not_open(line)),
            (Annotation::NoTransaction, _) => self.section.mode = Mode::NoTransaction,
            (Annotation::EnvsubOn, _) => {
                self.envsub = true;
                self.section.substitutes = true;
            }
            (Annotation::EnvsubOff, _) => self.envsub = false,
        }
        Ok(())
    }

    /// Emits the collected statement, as a slice of the text where the text holds it as it is.
    fn emit(&mut self) {
        let sql = self.buffer.trim();
        let source = self.collected.of(self.text);
        let trimmed = source.trim();
        let leading = source.len() - source.trim_start().len();
        // Counted in the file, not in the buffer: a value may bring line ends of its own.
        let line = self.collected_line + saturate(source[..leading].matches('\n').count());
        let start = self.collected.start + saturate(leading);
        let span = Span::new(start, start + saturate(trimmed.len()));
        let statement = if trimmed == sql {
            Statement::slice(span, line)
        } else {
            Statement::rewritten(span, line, Cow::Owned(sql.to_owned()))
        };
        self.section.statements.push(statement);
        self.buffer.clear();
    }

    /// goose/spec.md Q1: the state after an empty block swallows this line and emits an empty statement.
    fn drop_line(&mut self, line: Line<'a>) {
        self.collected = Span::new(line.span.start, line.span.start);
        self.collected_line = line.number;
        let problem = if line.text.trim().is_empty() {
            fault::empty_block(self.block)
        } else {
            fault::dropped_line(line, self.block_line)
        };
        self.section.problems.push(problem);
    }

    fn warn_of_empty_block(&mut self) {
        if self.state == State::BlockEnd(self.direction) {
            self.section.problems.push(fault::empty_block(self.block));
        }
    }

    /// Whether nothing is left over when a section ends.
    fn finished_statement(&self) -> Result<(), Problem> {
        let rest = self.buffer.trim();
        // A value may bring the missing semicolon along; without values nobody can tell.
        let unknowable = self.section.substitutes && matches!(self.substitution, Substitution::Check);
        if rest.is_empty() || unknowable {
            return Ok(());
        }
        Err(fault::missing_semicolon(self.text, self.collected, self.direction))
    }

    fn finish(mut self) -> Result<Section, Problem> {
        match self.state {
            State::Start => return Err(fault::no_up(self.text)),
            State::Block(_) => return Err(fault::block_not_closed(self.block)),
            State::Section(_) | State::BlockEnd(_) => self.finished_statement()?,
        }
        self.warn_of_empty_block();
        Ok(self.section)
    }
}
