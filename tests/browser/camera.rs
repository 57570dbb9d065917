//! Codes read by the camera. The picture is Chromium's own moving one; what reads codes in it stands in for the detector
//! that Linux has none of.

use super::driver::Browser;
use super::shop::Shop;
use super::till::Till;
use crate::databases::each_database_async;

/// Sees a code as soon as the video really plays, and keeps what it was given, so that a test can ask what became of it.
const DETECTOR: &str = "window.BarcodeDetector = class { \
    static async getSupportedFormats() { return ['qr_code', 'ean_13']; } \
    constructor({formats}) { window.askedFormats = formats; } \
    async detect(video) { window.seenStream = video.srcObject; \
        return video.videoWidth > 0 && video.currentTime > 0 ? [{rawValue: '9000000017'}] : []; } }; arguments[0](1)";

#[test]
fn the_camera_finds_a_guest_and_goes_out() {
    each_database_async(|store| async move {
        let shop = Shop::open(store).await;
        let till = Till::open(Browser::open(360, 740).await, &shop.page()).await;
        till.enrol().await;
        // No detector, no button that would do nothing.
        assert!(!till.is_there("[aria-label='Считать код камерой']").await);
        till.run(DETECTOR).await;
        // Drawn anew, the page offers to look.
        till.fill("#guest", "9").await;
        till.fill("#guest", "").await;
        // Drawn anew, it offers to look.
        till.fill("#guest", "9").await;
        till.fill("#guest", "").await;
        till.click("[aria-label='Считать код камерой']").await;
        till.see("#amount").await;
        till.hear("Анна К.").await;
        let state =
            "arguments[0]([window.askedFormats, window.seenStream.getTracks().map((t) => t.readyState)])";
        assert_eq!(
            till.run(state).await,
            serde_json::json!([["qr_code", "ean_13"], ["ended"]])
        );
        assert!(!till.is_there("dialog[open]").await);
    });
}
