//! What PostgreSQL says when it refuses a login, as a pooler relays it: without the SQLSTATE, and in the language of the
//! server (`lc_messages`).
//!
//! Source: the message catalogs of PostgreSQL 15, which are those of the words `database "%s" does not exist`,
//! `role "%s" does not exist` and `password authentication failed for user "%s"`. A language without a catalog there, and
//! one whose letters the server cannot send before it knows a database's encoding, is told as a connection that may pass.

/// A database, or a role, is not there.
pub(super) const DOES_NOT_EXIST: &[&str] = &[
    "does not exist",
    "existiert nicht",
    "no existe ",
    "n'existe pas",
    "non esiste",
    "存在しません",
    "არ არსებობს",
    "데이터베이스 없음",
    "롤(role) 없음",
    "не существует",
    "existerar inte",
    "finns inte",
    "не існує",
    "不存在",
];

/// The password is another one.
pub(super) const PASSWORD_FAILED: &[&str] = &[
    "Passwort-Authentifizierung",
    "la autentificación password falló",
    "authentification par mot de passe échouée",
    "autenticazione con password fallita",
    "パスワード認証に失敗しました",
    "პაროლით ავთენტიფიკაცია",
    "password 인증을 실패했습니다",
    "не прошёл проверку подлинности",
    "Lösenordsautentisering misslyckades",
    "не пройшов автентифікацію",
    "Password 认证失败",
];
