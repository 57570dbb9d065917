//! Archives of an exchange (`zip=yes`): read in memory, within limits, and never unpacked onto a disk.
//!
//! What bases of 1C write is the plain format: entries stored or deflated, a directory at the end. Encrypted archives, archives in
//! several volumes and those above 4 GiB are refused.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use kopilka_contract::Words;
use thiserror::Error;

/// Most entries of an archive: a catalogue has a picture for each product.
const MOST_ENTRIES: u16 = 20_000;
/// Most bytes of the files that are read from one archive, unpacked.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;
/// Most files that are read from one archive.
const MOST_FILES: usize = 64;
const LONGEST_NAME: usize = 255;

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_LENGTH: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Why bytes are not an archive that is taken.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum ArchiveError {
    #[error("the archive is cut off or damaged")]
    Damaged,
    #[error("the archive is encrypted")]
    Encrypted,
    #[error("the archive is packed in a way that is not taken: stored and deflated files are")]
    Method,
    #[error("the archive has more than {MOST_ENTRIES} entries")]
    TooMany,
    #[error("the files of the archive come to more than {} MiB", MOST_UNPACKED / 1024 / 1024)]
    TooLarge,
    #[error("the archive has no such file: {0}")]
    NoSuchFile(String),
}

impl ArchiveError {
    /// For the log of the base.
    pub(super) fn words(&self) -> Words {
        let ru = match self {
            ArchiveError::Damaged => "архив получен не полностью или испорчен".to_owned(),
            ArchiveError::Encrypted => "архив зашифрован".to_owned(),
            ArchiveError::Method => "архив сжат неизвестным способом: нужен обычный zip".to_owned(),
            ArchiveError::TooMany => format!("в архиве больше {MOST_ENTRIES} файлов"),
            ArchiveError::TooLarge => format!(
                "файлы архива больше {} МиБ: выгружайте меньше за один раз",
                MOST_UNPACKED / 1024 / 1024
            ),
            ArchiveError::NoSuchFile(name) => format!("в архиве нет файла {name}"),
        };
        Words::new(ru, self.to_string())
    }
}

/// Whether a file is an archive.
pub(super) fn is_archive(body: &[u8]) -> bool {
    body.starts_with(LOCAL) || body.starts_with(END)
}

/// The file of this name, wherever in the archive it lies.
pub(super) fn file(archive: &[u8], name: &str) -> Result<Vec<u8>, ArchiveError> {
    let wanted = |entry: &Entry<'_>| entry.base_name().eq_ignore_ascii_case(name);
    let entry = directory(archive)?.into_iter().find(wanted);
    let entry = entry.ok_or_else(|| ArchiveError::NoSuchFile(name.to_owned()))?;
    unpacked(archive, &entry, MOST_UNPACKED)
}

/// All files of XML, in the order of the directory.
pub(super) fn xml_files(archive: &[u8]) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let is_xml = |entry: &Entry<'_>| entry.base_name().to_ascii_lowercase().ends_with(".xml");
    let entries: Vec<Entry<'_>> = directory(archive)?.into_iter().filter(is_xml).collect();
    if entries.is_empty() {
        return Err(ArchiveError::NoSuchFile("*.xml".to_owned()));
    }
    if entries.len() > MOST_FILES {
        return Err(ArchiveError::TooLarge);
    }
    let mut left = MOST_UNPACKED;
    let mut files = Vec::with_capacity(entries.len());
    for entry in &entries {
        let file = unpacked(archive, entry, left)?;
        left = left.saturating_sub(u64::try_from(file.len()).unwrap_or(u64::MAX));
        files.push(file);
    }
    Ok(files)
}

/// A file of an archive, by its directory.
struct Entry<'a> {
    name: &'a [u8],
    method: u16,
    crc: u32,
    packed: usize,
    unpacked: u64,
    at: usize,
}

impl Entry<'_> {
    /// The name without folders. It is compared, and never becomes a path: what it could point to does not matter.
    fn base_name(&self) -> String {
        let name = self.name.rsplit(|b| *b == b'/' || *b == b'\\').next();
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }
}

fn directory(archive: &[u8]) -> Result<Vec<Entry<'_>>, ArchiveError> {
    let earliest = archive.len().saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let tail = archive.get(earliest..).unwrap_or_default();
    let end = tail.windows(END.len()).rposition(|window| window == END);
    let end = Fields(tail.get(end.ok_or(ArchiveError::Damaged)?..).unwrap_or_default());
    let (count, start) = (end.u16(10)?, end.size(16)?);
    if count > MOST_ENTRIES {
        return Err(ArchiveError::TooMany);
    }
    let mut rest = archive.get(start..).ok_or(ArchiveError::Damaged)?;
    let mut entries = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let fields = Fields(rest);
        if !rest.starts_with(ENTRY) {
            return Err(ArchiveError::Damaged);
        }
        if fields.u16(8)? & 1 != 0 {
            return Err(ArchiveError::Encrypted);
        }
        let name_length = usize::from(fields.u16(28)?);
        let length = ENTRY_LENGTH + name_length + usize::from(fields.u16(30)?) + usize::from(fields.u16(32)?);
        let name = rest.get(ENTRY_LENGTH..ENTRY_LENGTH + name_length);
        let name = name
            .filter(|name| name.len() <= LONGEST_NAME)
            .ok_or(ArchiveError::Damaged)?;
        entries.push(Entry {
            name,
            method: fields.u16(10)?,
            crc: fields.u32(16)?,
            packed: fields.size(20)?,
            unpacked: u64::from(fields.u32(24)?),
            at: fields.size(42)?,
        });
        rest = rest.get(length..).ok_or(ArchiveError::Damaged)?;
    }
    Ok(entries)
}

/// Unpacks a file of at most so many bytes. What the directory promises is believed as little as what is packed.
fn unpacked(archive: &[u8], entry: &Entry<'_>, most: u64) -> Result<Vec<u8>, ArchiveError> {
    if entry.unpacked > most {
        return Err(ArchiveError::TooLarge);
    }
    let local = archive.get(entry.at..).filter(|local| local.starts_with(LOCAL));
    let local = local.ok_or(ArchiveError::Damaged)?;
    let fields = Fields(local);
    let start = LOCAL_LENGTH + usize::from(fields.u16(26)?) + usize::from(fields.u16(28)?);
    let end = start.checked_add(entry.packed).ok_or(ArchiveError::Damaged)?;
    let packed = local.get(start..end).ok_or(ArchiveError::Damaged)?;
    let mut file = Vec::new();
    match entry.method {
        STORED => file.extend_from_slice(packed),
        DEFLATED => {
            // One byte more than promised shows that more was packed.
            let mut reader = DeflateDecoder::new(packed).take(entry.unpacked + 1);
            reader.read_to_end(&mut file).map_err(|_| ArchiveError::Damaged)?;
        }
        _ => return Err(ArchiveError::Method),
    }
    let mut crc = Crc::new();
    crc.update(&file);
    let whole = u64::try_from(file.len()).is_ok_and(|length| length == entry.unpacked);
    if whole && crc.sum() == entry.crc {
        Ok(file)
    } else {
        Err(ArchiveError::Damaged)
    }
}

/// Numbers of a record, the lowest byte first.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], ArchiveError> {
        let bytes = self.0.get(at..at + N);
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(ArchiveError::Damaged)
    }

    fn u16(&self, at: usize) -> Result<u16, ArchiveError> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: usize) -> Result<u32, ArchiveError> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    fn size(&self, at: usize) -> Result<usize, ArchiveError> {
        usize::try_from(self.u32(at)?).map_err(|_| ArchiveError::Damaged)
    }
}
