"""A page in a real browser, without a network: it draws, zooms, fits a telephone, obeys keys, complains of nothing."""

import io
import json
import shutil

import numpy as np
import pytest
from matplotlib.image import imread

from pages.helpers import recording
from spikelearn.pages import document
from spikelearn.pages.curves import error_curves, loss_curves
from spikelearn.pages.matrices import confusion, receptive_fields
from spikelearn.pages.parts import Section, Table
from spikelearn.pages.recorded import trial

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver (Debian: chromium-driver)"
)

WIDTHS = (1280, 390)  # px: a laptop, a telephone
DRAWN = "return window.Bokeh && Bokeh.documents.length > 0 && Bokeh.documents.every((each) => each.is_idle)"


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"  # no name is known: the page must do without
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", offline):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with every kind of plot and table."""
    rng = np.random.default_rng(0)
    losses = [
        {"epoch": k, "train_error": 50 / k, "test_error": 40 / k, "loss_0": 3 / k, "loss_1": 0.1 / k} for k in (1, 2)
    ]
    labels = rng.integers(10, size=300)
    sections = [
        Section("Learning", "Some text.", [error_curves(losses), loss_curves(losses)]),
        Section("Fields", parts=[receptive_fields(rng.normal(size=(30, 64)), "hidden[0]", 25)]),
        Section("Confusion", parts=[confusion(labels, rng.integers(10, size=300), 10)]),
        Section("Trial", parts=trial(recording(outputs=10))),
        Section(
            "Configuration", parts=[Table("config.json", ("key", "value"), [("model.network.sizes", "64, 80, 10")])]
        ),
    ]
    path = tmp_path_factory.mktemp("page") / "page.html"
    document.write(path, "A page", sections)
    return path


@pytest.fixture
def opened(browser, page):
    """The page, drawn."""
    from selenium.webdriver.support.wait import WebDriverWait

    browser.set_window_size(1280, 1200)
    browser.get(page.as_uri())
    WebDriverWait(browser, 120).until(lambda driver: driver.execute_script(DRAWN))
    return browser


def ends(browser, place):
    """Return both ends of the axis that the keys move."""
    script = "const r = Bokeh.documents[0].get_model_by_id(arguments[0].dataset.range); return [r.start, r.end]"
    return browser.execute_script(script, place)


def places(browser):
    return browser.find_elements("css selector", ".plot[data-range]")


def test_it_opens_without_network_request_or_complaint(opened):
    assert [entry for entry in opened.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert asked and all(url.startswith(("file:", "data:", "blob:")) for url in asked)


def test_every_plot_is_drawn(opened):
    found = opened.find_elements("css selector", ".plot")
    assert len(found) == 7
    for place in found:
        opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
        pixels = imread(io.BytesIO(place.screenshot_as_png))[..., :3]
        assert (pixels.min(axis=2) < 0.9).sum() > 1000, place.get_attribute("aria-label")


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(opened, width):
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    inside, outside = opened.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert inside <= outside == width


def test_keys_zoom_move_and_reset_what_shares_the_axis(opened):
    from selenium.webdriver.common.keys import Keys

    raster, hidden = places(opened)[2:4]
    whole = ends(opened, raster)
    assert whole == [-1, 101]
    raster.send_keys("+")
    assert ends(opened, raster) == ends(opened, hidden) == [24.5, 75.5]
    hidden.send_keys(Keys.ARROW_LEFT)
    assert ends(opened, raster) == pytest.approx([14.3, 65.3])
    hidden.send_keys(Keys.ARROW_RIGHT * 5)
    assert ends(opened, raster) == [50, 101]  # not beyond the end
    hidden.send_keys("-")
    assert ends(opened, raster) == whole
    hidden.send_keys("++0")
    assert ends(opened, raster) == whole


def test_the_wheel_zooms_with_ctrl_and_scrolls_without(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
    from selenium.webdriver.common.keys import Keys

    place = places(opened)[2]
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    before = opened.execute_script("return window.scrollY")
    over = ScrollOrigin.from_element(place)
    ActionChains(opened).key_down(Keys.CONTROL).scroll_from_origin(over, 0, -240).key_up(Keys.CONTROL).perform()
    start, end = ends(opened, place)
    assert -1 < start < end < 101
    ActionChains(opened).scroll_from_origin(over, 0, 120).pause(0.5).perform()
    assert ends(opened, place) == [start, end]
    assert opened.execute_script("return window.scrollY") > before


def test_the_skip_link_is_the_first_stop_and_leads_to_the_results(opened):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(opened).send_keys(Keys.TAB).perform()
    first = opened.switch_to.active_element
    assert first.get_attribute("class") == "skip" and first.rect["x"] >= 0
    first.send_keys(Keys.ENTER)
    assert opened.switch_to.active_element.get_attribute("id") == "main"
