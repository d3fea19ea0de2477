//! The C functions of `lame.h` that are used, and the only code that calls them.

use std::{
    ffi::{CStr, c_char, c_int, c_uchar, c_void},
    ptr::NonNull,
    sync::OnceLock,
};

use libloading::Library;

use crate::LameError;

/// Names the library has on the systems the product runs on, most specific first. Plain names go through the system's
/// own search path; the two full paths are where Homebrew and MacPorts put it, which macOS does not search.
const LIBRARY_NAMES: &[&str] = &[
    #[cfg(target_os = "linux")]
    "libmp3lame.so.0",
    #[cfg(all(unix, not(target_os = "macos")))]
    "libmp3lame.so",
    #[cfg(target_os = "macos")]
    "libmp3lame.0.dylib",
    #[cfg(target_os = "macos")]
    "/opt/homebrew/lib/libmp3lame.0.dylib",
    #[cfg(target_os = "macos")]
    "/usr/local/lib/libmp3lame.0.dylib",
    #[cfg(windows)]
    "libmp3lame.dll",
    #[cfg(windows)]
    "lame_enc.dll",
];

/// `MPEG_mode::MONO` of `lame.h`.
const MODE_MONO: c_int = 3;

/// LAME's quality scale runs from 0 (slowest) to 9; 5 is its default, about 350 times real time on one core.
const QUALITY: c_int = 5;

type Gfp = *mut c_void;

/// Function pointers into the loaded library.
pub(crate) struct Api {
    init: unsafe extern "C" fn() -> Gfp,
    close: unsafe extern "C" fn(Gfp) -> c_int,
    init_params: unsafe extern "C" fn(Gfp) -> c_int,
    set_in_samplerate: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    set_out_samplerate: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    set_num_channels: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    set_mode: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    set_brate: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    set_quality: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    set_write_vbr_tag: unsafe extern "C" fn(Gfp, c_int) -> c_int,
    encode_float:
        unsafe extern "C" fn(Gfp, *const f32, *const f32, c_int, *mut c_uchar, c_int) -> c_int,
    flush: unsafe extern "C" fn(Gfp, *mut c_uchar, c_int) -> c_int,
    version: unsafe extern "C" fn() -> *const c_char,
    /// Keeps the code mapped for as long as the pointers above exist. Never unloaded: the value lives in a static.
    _library: Library,
}

/// One `lame_global_flags`, closed on drop.
pub(crate) struct Handle {
    flags: NonNull<c_void>,
    close: unsafe extern "C" fn(Gfp) -> c_int,
}

// SAFETY: LAME keeps all state of an encoder inside its `lame_global_flags` and has no thread affinity; a `Handle` owns
// its flags alone and every use takes `&mut Handle`, so no two threads touch one encoder at once.
unsafe impl Send for Handle {}

impl Handle {
    pub(crate) fn new(api: &'static Api) -> Option<Self> {
        // SAFETY: `lame_init` takes nothing and returns fresh flags or null.
        let flags = unsafe { (api.init)() };
        Some(Self {
            flags: NonNull::new(flags)?,
            close: api.close,
        })
    }

    fn as_ptr(&mut self) -> Gfp {
        self.flags.as_ptr()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the flags came from `lame_init`, are owned by this handle and are not used after this call.
        unsafe { (self.close)(self.flags.as_ptr()) };
    }
}

impl Api {
    /// The library, opened at the first call. A failure is remembered too: installing LAME needs a restart.
    pub(crate) fn get() -> Result<&'static Self, LameError> {
        static API: OnceLock<Result<Api, LameError>> = OnceLock::new();
        API.get_or_init(Self::load).as_ref().map_err(Clone::clone)
    }

    fn load() -> Result<Self, LameError> {
        let mut tried = Vec::new();
        for name in LIBRARY_NAMES {
            // SAFETY: libmp3lame has no initialisers that could do harm; the names are constants of this file, never
            // input, so only what the system's administrator installed under them is loaded.
            match unsafe { Library::new(*name) } {
                Ok(library) => match Self::bind(library) {
                    Ok(api) => return Ok(api),
                    Err(error) => tried.push(format!("{name}: {error}")),
                },
                Err(error) => tried.push(error.to_string()),
            }
        }
        Err(LameError::NotInstalled(tried.join("; ")))
    }

    fn bind(library: Library) -> Result<Self, libloading::Error> {
        /// The symbol `name` as a function pointer.
        ///
        /// # Safety
        /// `T` must be the function's type in `lame.h`.
        unsafe fn symbol<T: Copy>(library: &Library, name: &CStr) -> Result<T, libloading::Error> {
            // SAFETY: the caller vouches for the type; the copy outlives the borrow because `Api` keeps the library.
            unsafe { library.get::<T>(name) }.map(|symbol| *symbol)
        }
        /// `symbol` with the one argument for its safety: the field it initialises has the type of `lame.h` 3.99/3.100.
        macro_rules! bind {
            ($name:literal) => {
                // SAFETY: the field this initialises is declared with the signature that lame.h 3.98 to 3.100 gives it.
                unsafe { symbol(&library, $name) }?
            };
        }
        Ok(Self {
            init: bind!(c"lame_init"),
            close: bind!(c"lame_close"),
            init_params: bind!(c"lame_init_params"),
            set_in_samplerate: bind!(c"lame_set_in_samplerate"),
            set_out_samplerate: bind!(c"lame_set_out_samplerate"),
            set_num_channels: bind!(c"lame_set_num_channels"),
            set_mode: bind!(c"lame_set_mode"),
            set_brate: bind!(c"lame_set_brate"),
            set_quality: bind!(c"lame_set_quality"),
            set_write_vbr_tag: bind!(c"lame_set_bWriteVbrTag"),
            encode_float: bind!(c"lame_encode_buffer_ieee_float"),
            flush: bind!(c"lame_encode_flush"),
            version: bind!(c"get_lame_version"),
            _library: library,
        })
    }

    /// Mono, constant bit rate, no information frame.
    pub(crate) fn configure(
        &self,
        handle: &mut Handle,
        sample_rate_hz: c_int,
        kbit_s: c_int,
    ) -> Result<(), ()> {
        // LAME reads an output rate of 0 as "choose one"; ours must be a rate that was asked for.
        if sample_rate_hz <= 0 || kbit_s <= 0 {
            return Err(());
        }
        let flags = handle.as_ptr();
        let settings = [
            (self.set_in_samplerate, sample_rate_hz),
            (self.set_out_samplerate, sample_rate_hz),
            (self.set_num_channels, 1),
            (self.set_mode, MODE_MONO),
            (self.set_brate, kbit_s),
            (self.set_quality, QUALITY),
            (self.set_write_vbr_tag, 0),
        ];
        for (set, value) in settings {
            // SAFETY: `flags` is a live `lame_global_flags` and each setter takes it and an int.
            if unsafe { set(flags, value) } < 0 {
                return Err(());
            }
        }
        // SAFETY: as above; called once, after all settings.
        if unsafe { (self.init_params)(flags) } < 0 {
            Err(())
        } else {
            Ok(())
        }
    }

    pub(crate) fn encode(
        &self,
        handle: &mut Handle,
        samples: &[f32],
        out: &mut Vec<u8>,
    ) -> Result<(), LameError> {
        let count = c_int::try_from(samples.len()).map_err(|_| LameError::Failed(-2))?;
        // lame.h: the worst case of a call is 1.25 × samples + 7200 bytes.
        let room = samples.len() + samples.len() / 4 + 7_200;
        append(out, room, |buffer, size| {
            // SAFETY: `samples` holds `count` floats; mono encoders do not read the right channel but LAME checks both
            // pointers, so both are the same slice; `buffer` has `size` writable bytes.
            unsafe {
                (self.encode_float)(
                    handle.as_ptr(),
                    samples.as_ptr(),
                    samples.as_ptr(),
                    count,
                    buffer,
                    size,
                )
            }
        })
    }

    pub(crate) fn flush(&self, handle: &mut Handle, out: &mut Vec<u8>) -> Result<(), LameError> {
        // lame.h: at least 7200 bytes.
        append(out, 7_200 * 2, |buffer, size| {
            // SAFETY: the flags are live and `buffer` has `size` writable bytes.
            unsafe { (self.flush)(handle.as_ptr(), buffer, size) }
        })
    }

    pub(crate) fn version(&self) -> String {
        // SAFETY: takes nothing and returns a static NUL-terminated string.
        let text = unsafe { (self.version)() };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: not null, and NUL-terminated by LAME.
        unsafe { CStr::from_ptr(text) }
            .to_string_lossy()
            .into_owned()
    }
}

/// Grows `out` by `room` zeroed bytes, lets `fill` write into them and keeps as many as it says it wrote.
fn append(
    out: &mut Vec<u8>,
    room: usize,
    fill: impl FnOnce(*mut c_uchar, c_int) -> c_int,
) -> Result<(), LameError> {
    let start = out.len();
    out.resize(start + room, 0);
    let written = fill(
        out[start..].as_mut_ptr(),
        c_int::try_from(room).unwrap_or(c_int::MAX),
    );
    let result = usize::try_from(written).map_err(|_| LameError::Failed(written));
    out.truncate(start + result.as_ref().map_or(0, |&bytes| bytes.min(room)));
    result.map(|_| ())
}
