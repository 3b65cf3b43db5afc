//! The database, `SQLite`, and its queries, which pretend to be slow. Must never know of a cache.

use crate::error::Result;
use crate::model::{Cents, Page, Product, User};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};
use std::path::Path;
use std::time::Duration;

/// A handle of the database; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    pool: SqlitePool,
    slowness: Duration,
}

/// What a form changes in a product.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) price: Cents,
}

impl Db {
    /// Opens the file, makes it where there is none, and fills it where it is empty.
    pub(crate) async fn open(path: &Path, slowness: Duration) -> std::result::Result<Self, sqlx::Error> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(sqlx::Error::Io)?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        // Immediate: of two processes that start at once, one fills the tables and the other finds them full.
        let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(include_str!("schema.sql")).execute(&mut *transaction).await?;
        seed(&mut transaction).await?;
        transaction.commit().await?;
        Ok(Self { pool, slowness })
    }

    /// Which database this is; the same for as long as the file exists.
    pub(crate) async fn identity(&self) -> Result<String> {
        Ok(sqlx::query_scalar("SELECT id FROM identity").fetch_one(&self.pool).await?)
    }

    /// What a join over many tables would take.
    async fn pretend_to_work(&self) {
        tokio::time::sleep(self.slowness).await;
    }

    pub(crate) async fn product(&self, id: i64) -> Result<Option<Product>> {
        self.pretend_to_work().await;
        Ok(sqlx::query_as("SELECT * FROM products WHERE id = ?").bind(id).fetch_optional(&self.pool).await?)
    }

    /// As many products as there are of `ids`, in any order; one query.
    pub(crate) async fn products(&self, ids: &[i64]) -> Result<Vec<Product>> {
        self.pretend_to_work().await;
        // A JSON array is one parameter, however many ids there are.
        let ids = serde_json::Value::from(ids).to_string();
        let query = "SELECT * FROM products WHERE id IN (SELECT value FROM json_each(?))";
        Ok(sqlx::query_as(query).bind(ids).fetch_all(&self.pool).await?)
    }

    pub(crate) async fn page(&self, page: u32, per_page: u32) -> Result<Page> {
        self.pretend_to_work().await;
        let offset = i64::from(page.saturating_sub(1)) * i64::from(per_page);
        let products = sqlx::query_as("SELECT * FROM products ORDER BY id LIMIT ? OFFSET ?")
            .bind(per_page)
            .bind(offset)
            .fetch_all(&self.pool)
            .await?;
        let total = sqlx::query_scalar("SELECT COUNT(*) FROM products").fetch_one(&self.pool).await?;
        Ok(Page { products, page, per_page, total })
    }

    /// The products whose name or description contains `text`, at most `limit`.
    pub(crate) async fn search(&self, text: &str, limit: u32) -> Result<Vec<Product>> {
        self.pretend_to_work().await;
        // `instr` has no wildcards, so there is nothing to escape.
        let query = "SELECT * FROM products WHERE instr(lower(name || ' ' || description), lower(?)) > 0 ORDER BY name, id LIMIT ?";
        Ok(sqlx::query_as(query).bind(text).bind(limit).fetch_all(&self.pool).await?)
    }

    pub(crate) async fn dearest(&self, limit: u32) -> Result<Vec<Product>> {
        self.pretend_to_work().await;
        let query = "SELECT * FROM products ORDER BY price DESC, id LIMIT ?";
        Ok(sqlx::query_as(query).bind(limit).fetch_all(&self.pool).await?)
    }

    /// What stands on the report: number, lowest, mean and highest price.
    pub(crate) async fn summary(&self) -> Result<(i64, i64, i64, i64)> {
        self.pretend_to_work().await;
        let query = "SELECT COUNT(*), MIN(price), SUM(price) / COUNT(*), MAX(price) FROM products";
        Ok(sqlx::query_as(query).fetch_one(&self.pool).await?)
    }

    /// Whether there was such a product.
    pub(crate) async fn update_product(&self, id: i64, patch: &Patch) -> Result<bool> {
        let query = "UPDATE products SET name = ?, description = ?, price = ?, \
                     updated_at = strftime('%Y-%m-%d %H:%M:%S', 'now') WHERE id = ?";
        let done = sqlx::query(query)
            .bind(&patch.name)
            .bind(&patch.description)
            .bind(patch.price.0)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    pub(crate) async fn user(&self, id: i64) -> Result<Option<User>> {
        self.pretend_to_work().await;
        Ok(sqlx::query_as("SELECT * FROM users WHERE id = ?").bind(id).fetch_optional(&self.pool).await?)
    }

    pub(crate) async fn users(&self) -> Result<Vec<User>> {
        Ok(sqlx::query_as("SELECT * FROM users ORDER BY id").fetch_all(&self.pool).await?)
    }

    /// The user as they are afterwards, or `None` where there is no such user.
    pub(crate) async fn set_email(&self, id: i64, email: &str) -> Result<Option<User>> {
        let query = "UPDATE users SET email = ? WHERE id = ? RETURNING *";
        Ok(sqlx::query_as(query).bind(email).bind(id).fetch_optional(&self.pool).await?)
    }

    /// The same for the name.
    pub(crate) async fn set_name(&self, id: i64, name: &str) -> Result<Option<User>> {
        let query = "UPDATE users SET name = ? WHERE id = ? RETURNING *";
        Ok(sqlx::query_as(query).bind(name).bind(id).fetch_optional(&self.pool).await?)
    }

    /// What the database knows, without pretending to be slow: to show beside what the write-behind queue holds.
    pub(crate) async fn visits(&self, id: i64) -> Result<i64> {
        let visits = sqlx::query_scalar("SELECT visits FROM users WHERE id = ?").bind(id);
        Ok(visits.fetch_optional(&self.pool).await?.unwrap_or(0))
    }

    /// Adds many counts in one transaction: all of them, or none.
    pub(crate) async fn add_visits(&self, counts: &[(i64, i64)]) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for (id, count) in counts {
            let query = sqlx::query("UPDATE users SET visits = visits + ? WHERE id = ?").bind(count).bind(id);
            query.execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Waits for what is under way, and closes the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

const COLOURS: [&str; 10] = ["Amber", "Blue", "Copper", "Green", "Grey", "Ivory", "Olive", "Red", "Silver", "Violet"];
const MATERIALS: [&str; 10] = ["Ash", "Brass", "Cork", "Felt", "Glass", "Linen", "Oak", "Slate", "Steel", "Wool"];
const THINGS: [&str; 10] = ["Basket", "Bench", "Bowl", "Clock", "Kettle", "Lamp", "Mirror", "Shelf", "Stool", "Vase"];
const USERS: [(&str, &str); 3] =
    [("Ada", "ada@example.org"), ("Grace", "grace@example.org"), ("Niklaus", "niklaus@example.org")];

/// 1,000 products and three users, where there are none.
async fn seed(transaction: &mut Transaction<'_, Sqlite>) -> std::result::Result<(), sqlx::Error> {
    let there: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM products").fetch_one(&mut **transaction).await?;
    if there > 0 {
        return Ok(());
    }
    for n in 0..1000_usize {
        let (thing, material, colour) = (THINGS[n % 10], MATERIALS[n / 10 % 10], COLOURS[n / 100]);
        // Looks like prices, and is the same in every database.
        let price = i64::try_from(499 + n * 7919 % 24_000).unwrap_or(499);
        sqlx::query("INSERT INTO products (name, description, price) VALUES (?, ?, ?)")
            .bind(format!("{colour} {material} {thing}"))
            .bind(format!(
                "A {} made of {}, in {}. Number {} of the catalogue.",
                thing.to_lowercase(),
                material.to_lowercase(),
                colour.to_lowercase(),
                n + 1
            ))
            .bind(price)
            .execute(&mut **transaction)
            .await?;
    }
    for (name, email) in USERS {
        let query = sqlx::query("INSERT INTO users (name, email) VALUES (?, ?)").bind(name).bind(email);
        query.execute(&mut **transaction).await?;
    }
    Ok(())
}
