//! What belongs to a folder of migrations besides them: the project's settings and the folder's lock.
//!
//! Invariant: whatever of it decides over the embed is named to the compiler, so that an edit of it builds again.

use migrate_core::config::{self, Config};
use migrate_core::diagnostic::Diagnostic;
use migrate_core::lock;
use proc_macro2::TokenStream;
use quote::quote;

use crate::site::{Place, Site};

/// The files beside the migrations of a call.
pub(crate) struct Project {
    /// Where the settings are, when the project has any.
    settings: Option<Place>,
    /// Every file that is there, as the compiler opens it.
    files: Vec<String>,
}

impl Project {
    /// The project of the folder at `place`.
    pub(crate) fn of(place: &Place, site: &Site) -> Self {
        let settings = config::find(&place.folder).and_then(|path| Some(site.resolve(path.to_str()?)));
        let lock = Some(place.folder.join(lock::FILE)).filter(|path| path.is_file());
        let paths = settings.iter().map(|settings| settings.folder.clone()).chain(lock);
        let files = paths.filter_map(|path| Some(path.to_str()?.to_owned())).collect();
        Self { settings, files }
    }

    /// The settings, or why they cannot be read. The lock is read with the folder.
    pub(crate) fn config(&self) -> Result<Config, Box<Diagnostic>> {
        match &self.settings {
            Some(settings) => config::read(&settings.folder, &settings.shown),
            None => Ok(Config::default()),
        }
    }

    /// Constants that nothing uses: `include_bytes!` is how the compiler tells cargo what it depends on.
    pub(crate) fn tracked(&self) -> TokenStream {
        let files = &self.files;
        quote!(#(const _: &[u8] = ::core::include_bytes!(#files);)*)
    }
}
