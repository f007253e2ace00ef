//! The values of some fields, gathered by field over many objects.

use std::collections::HashMap;

use arrow::datatypes::Fields;

use crate::formats::json::scan::{Broken, Cursor, Rules, Text, Value};

/// From so many fields on a field is looked up by hash rather than one after another.
const MANY_FIELDS: usize = 16;

/// A column of values for each field, one value for each object. Of a field that comes twice in
/// an object the last value counts.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    fields: &'a Fields,
    by_name: Option<HashMap<&'a str, usize>>,
    columns: Vec<Vec<Value<'a>>>,
    rows: usize,
    rules: Rules,
}

impl<'a> Cells<'a> {
    /// No values yet, with room for so many objects.
    pub(super) fn new(fields: &'a Fields, capacity: usize, rules: Rules) -> Self {
        let by_name = (fields.len() >= MANY_FIELDS).then(|| {
            // The first of two columns with one name gets the values, as in a short list.
            let all = fields.iter().enumerate().rev();
            all.map(|(at, field)| (field.name().as_str(), at)).collect()
        });
        let columns = fields.iter().map(|_| Vec::with_capacity(capacity)).collect();
        Self { fields, by_name, columns, rows: 0, rules }
    }

    /// How many objects there are.
    pub(super) const fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order of the fields.
    pub(super) fn columns(&self) -> &[Vec<Value<'a>>] {
        &self.columns
    }

    /// Adds what a line holds: an object, or the objects of an array. Nothing is added when the
    /// line is broken.
    pub(super) fn line(&mut self, text: &'a str) -> Result<(), Broken> {
        if !Cursor::new(text, self.rules).is_array() {
            return self.object(text);
        }
        let mut elements = vec![];
        Cursor::new(text, self.rules).array(&mut |value| elements.push(value))?;
        let before = self.rows;
        for element in elements {
            let added = match element {
                Value::Object(raw) => self.object(raw),
                _ => Err(Broken(0)),
            };
            if let Err(broken) = added {
                self.truncate(before);
                return Err(broken);
            }
        }
        Ok(())
    }

    /// Adds an object, or nothing when the text does not begin with one.
    pub(super) fn object(&mut self, text: &'a str) -> Result<(), Broken> {
        let row = self.rows;
        let mut expected = 0;
        let (fields, by_name, columns) = (self.fields, &self.by_name, &mut self.columns);
        let scanned = Cursor::new(text, self.rules).object(&mut |name, value| {
            let Some(at) = position(fields, by_name.as_ref(), name, expected) else { return };
            expected = at + 1;
            let column = &mut columns[at];
            column.truncate(row);
            column.push(value);
        });
        match scanned {
            Ok(()) => {
                self.rows += 1;
                self.pad();
                Ok(())
            }
            Err(broken) => {
                self.truncate(row);
                Err(broken)
            }
        }
    }

    /// Adds an object without fields.
    pub(super) fn nulls(&mut self) {
        self.rows += 1;
        self.pad();
    }

    fn pad(&mut self) {
        for column in &mut self.columns {
            column.resize(self.rows, Value::Null);
        }
    }

    fn truncate(&mut self, rows: usize) {
        self.rows = rows;
        for column in &mut self.columns {
            column.truncate(rows);
        }
    }
}

/// Which field has this name. Objects mostly have their fields in one order, so the one that is
/// expected is tried first.
fn position(
    fields: &Fields,
    by_name: Option<&HashMap<&str, usize>>,
    name: Text<'_>,
    expected: usize,
) -> Option<usize> {
    let name = name.get();
    if fields.get(expected).is_some_and(|field| *field.name() == name) {
        // A second column of the same name never gets values, whatever the order.
        let first = by_name.map_or(expected, |by_name| by_name[name.as_ref()]);
        return Some(first);
    }
    match by_name {
        Some(by_name) => by_name.get(name.as_ref()).copied(),
        None => fields.iter().position(|field| *field.name() == name),
    }
}
