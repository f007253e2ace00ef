//! Lambdas: what their parameters hide, and how many of them a function takes.
//!
//! A parameter hides a column of the same name, and its fields are found when the query is planned,
//! as its type is not known before.

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    LambdaFunctionParameter, OneOrManyWithParens, Value,
};

use crate::error::{Error, Result};
use crate::sql::ast::scope::same;
use crate::sql::ast::spelling::plain_name;
use crate::sql::functions::lambdas::ARRAY_SORT_BY;

/// A function, and the least and most parameters of each of its lambdas.
const FUNCTIONS: &[(&str, &[(usize, usize)])] = &[
    ("aggregate", &[(2, 2), (1, 1)]),
    ("array_sort", &[(2, 2)]),
    ("exists", &[(1, 1)]),
    ("filter", &[(1, 2)]),
    ("forall", &[(1, 1)]),
    ("map_filter", &[(2, 2)]),
    ("map_zip_with", &[(3, 3)]),
    ("reduce", &[(2, 2), (1, 1)]),
    ("transform", &[(1, 2)]),
    ("transform_keys", &[(2, 2)]),
    ("transform_values", &[(2, 2)]),
    ("zip_with", &[(2, 2)]),
];

/// The parameters of the lambdas around an expression, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Lambdas {
    parameters: Vec<Vec<Ident>>,
}

impl Lambdas {
    /// Looks at an expression before its parts; whether it is, or begins with, a parameter, and so
    /// nothing that FROM could know.
    ///
    /// # Errors
    /// `Invalid` for a lambda where none belongs, or with another number of parameters.
    pub(super) fn enter(&mut self, expr: &mut Expr) -> Result<bool> {
        match expr {
            Expr::Lambda(lambda) => {
                let mut names = Vec::new();
                for parameter in parameters(&mut lambda.params) {
                    // In quotes, its case stays.
                    parameter.name.quote_style = Some('`');
                    names.push(parameter.name.clone());
                }
                self.parameters.push(names);
                Ok(true)
            }
            Expr::Function(function) => check(function).map(|()| false),
            Expr::Identifier(name) => match self.find(name) {
                Some(parameter) => {
                    *name = Ident::with_quote('`', &parameter.value);
                    Ok(true)
                }
                None => Ok(false),
            },
            Expr::CompoundIdentifier(parts) => {
                let [first, fields @ ..] = parts.as_slice() else { return Ok(false) };
                let Some(parameter) = self.find(first) else { return Ok(false) };
                let root = Expr::Identifier(Ident::with_quote('`', &parameter.value));
                let access_chain = fields.iter().map(dot).collect();
                *expr = Expr::CompoundFieldAccess { root: Box::new(root), access_chain };
                Ok(true)
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let first = match &**root {
                    Expr::Identifier(name) => Some(name),
                    Expr::CompoundIdentifier(parts) => parts.first(),
                    _ => None,
                };
                if first.and_then(|first| self.find(first)).is_none() {
                    return Ok(false);
                }
                for access in access_chain {
                    if let AccessExpr::Dot(Expr::Identifier(field)) = access {
                        *access = dot(field);
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Looks at an expression after its parts.
    pub(super) fn leave(&mut self, expr: &Expr) {
        if matches!(expr, Expr::Lambda(_)) {
            self.parameters.pop();
        }
    }

    fn find(&self, name: &Ident) -> Option<&Ident> {
        self.parameters.iter().rev().flatten().find(|known| same(&known.value, &name.value))
    }
}

fn parameters(
    all: &mut OneOrManyWithParens<LambdaFunctionParameter>,
) -> &mut [LambdaFunctionParameter] {
    match all {
        OneOrManyWithParens::One(only) => std::slice::from_mut(only),
        OneOrManyWithParens::Many(all) => all,
    }
}

fn dot(field: &Ident) -> AccessExpr {
    AccessExpr::Dot(Expr::value(Value::SingleQuotedString(field.value.clone())))
}

/// Looks at the lambdas among the arguments of a function, and gives `array_sort` the name of the
/// function that takes one.
fn check(function: &mut Function) -> Result<()> {
    let FunctionArguments::List(list) = &function.args else { return Ok(()) };
    let lambdas = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Lambda(lambda))) => Some(lambda),
        _ => None,
    });
    let counts: Vec<usize> = lambdas.map(|lambda| lambda.params.len()).collect();
    let name = plain_name(function).unwrap_or_else(|| function.name.to_string());
    let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
    let Some((_, wanted)) = known else {
        return match counts.as_slice() {
            [] => Ok(()),
            _ => Err(Error::invalid(format!("`{name}` takes no lambda"))),
        };
    };
    if counts.is_empty() {
        return match name.as_str() {
            "array_sort" => Ok(()),
            _ => Err(Error::invalid(format!(
                "`{name}` needs a lambda as its last argument, such as x -> x + 1"
            ))),
        };
    }
    for (at, count) in counts.iter().enumerate() {
        match wanted.get(at) {
            Some((least, most)) if (*least..=*most).contains(count) => (),
            Some((_, most)) => {
                return Err(Error::invalid(format!(
                    "lambda {} of `{name}` has {count} parameters where it takes {most}",
                    at + 1
                )));
            }
            None => {
                return Err(Error::invalid(format!(
                    "`{name}` takes {} lambdas, not {}",
                    wanted.len(),
                    counts.len()
                )));
            }
        }
    }
    if name == "array_sort" {
        function.name = vec![Ident::new(ARRAY_SORT_BY)].into();
    }
    Ok(())
}
