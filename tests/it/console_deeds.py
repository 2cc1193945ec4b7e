"""Officers start and sign handovers and reviews in the console; whoever is none signs on the page for it."""
left = sys.argv[4]


def fill(**fields):
    for name, value in fields.items():
        element = find("#" + name)
        if element.tag_name == "select":
            element.find_element(By.CSS_SELECTOR, f"option[value={value}]").click()
        else:
            element.clear()
            element.send_keys(value)


def go_on():
    press(button("Go on"))


def yes():
    press(button("Yes, do it"))
    assert "written down in your name" in find(".done").text, find("main").text


def told():
    return find(".note").text


try:
    sign_in("one")
    # A handover is started, and whoever has started it signs for nobody.
    browser.get(site + "/people/handovers?lang=en")
    press(browser.find_element(By.LINK_TEXT, "Start a handover"))
    fill(**{"from": "two", "to": "olga", "roles": "Marketing", "duties": "newsletter\nlist of readers", "matters": "complaint 17"})
    go_on()
    assert "no role: Marketing" in find("[role=alert]").text
    fill(roles="marketing")
    go_on()
    assert "Nothing goes over before both have signed" in told() and "marketing" in told(), told()
    judged("handover")
    yes()
    ours = str(int(left) + 1)
    assert find("main table").text.count("waiting") == 2
    assert not browser.find_elements(By.LINK_TEXT, "Sign"), "neither is theirs"
    status, text, _ = ask(f"/handovers/{ours}/sign")
    assert status == 403 and "only the one who hands over" in text, (status, text)
    assert ask(f"/handovers/{left}/sign")[0] == 403, "whoever started it does not sign for the leaver"
    assert ask("/handovers/999/sign")[0] == 404

    # A review is opened; each record of it has a reason, and can be looked at.
    browser.get(site + "/people/reviews?lang=en")
    press(browser.find_element(By.LINK_TEXT, "Open a review"))
    fill(sample="0")
    go_on()
    assert "1 to 200 records" in find("[role=alert]").text
    fill(sample="5")
    go_on()
    assert "draws 5 of them at random" in told(), told()
    yes()
    review = browser.current_url.split("/reviews/")[1].split("?")[0]
    page = f"/people/reviews/{review}"
    assert "mark" in find("main table").text and "waiting" in find("main table").text
    walk([page, f"/reviews/{review}/result?records=1", "/reviews/open", "/handovers/start"])
    browser.get(site + page + "?lang=en")
    press(browser.find_element(By.LINK_TEXT, "Look at it"))
    assert "Only one record is shown" in find("main").text
    assert len(browser.find_elements(By.CSS_SELECTOR, "tbody tr")) == 1 and "mark" in find("tbody").text
    status, text, _ = ask(f"/reviews/{review}/sign")
    assert status == 403 and "have no result yet" in text, text
    # What came of them is a draft until the review is signed.
    browser.get(site + page)
    press(browser.find_element(By.LINK_TEXT, "Say what came of all that wait"))
    records = find("#records").get_attribute("value")
    assert records.replace(" ", "").isdigit(), records
    fill(result="as usual")
    go_on()
    assert "all is well" in told() and "takes the place of this one" in told(), told()
    yes()
    assert "as usual" in find("main table").text
    sent = {"records": records, "verdict": "finding", "result": "no ticket", "action": "asked for the reason", "sure": "1"}
    path = f"/reviews/{review}/result"
    assert ask(path, sent)[0] == 403 and ask(path, {**sent, "form": token("/reviews/open")})[0] == 403
    assert "no record" in ask(path, {**sent, "form": token(path), "records": "4711x"})[1]
    assert "not about all of these" in ask(path, {**sent, "form": token(path), "records": "999999"})[1]
    other = f"/reviews/{int(review) + 1}/result"
    assert "These records are of review" in ask(other, {**sent, "form": token(other)})[1]
    assert "no ticket" not in ask(page)[1]
    browser.get(site + path + "?records=" + records.replace(" ", "+"))
    fill(verdict="finding", result="no ticket")
    go_on()
    assert "a finding needs an action" in find("[role=alert]").text
    assert find("#result").get_attribute("value") == "no ticket", "what was written stays"
    fill(action="asked for the reason")
    go_on()
    yes()
    assert "asked for the reason" in find("main table").text

    # Another officer signs: the review, their own side of a handover, and for one who has left.
    sign_in("two")
    browser.get(site + page + "?lang=en")
    press(browser.find_element(By.LINK_TEXT, "Sign the review"))
    assert "are findings" in told() and "No result can be changed" in told(), told()
    judged("signing a review")
    yes()
    assert not browser.find_elements(By.LINK_TEXT, "Sign the review")
    assert "signed already" in ask(f"/reviews/{review}/sign")[1]
    for number, words in ((ours, "You sign that you hand it over"), (left, "You sign for mark, who has left")):
        browser.get(site + "/people/handovers?sort=id")
        row = next(row for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr") if row.find_element(By.TAG_NAME, "th").text == number)
        press(row.find_element(By.LINK_TEXT, "Sign"))
        assert words in told() and "waits for the other signature" in told(), told()
        judged(words)
        yes()
    assert not browser.find_elements(By.LINK_TEXT, "Sign")

    # Whoever takes over is no officer, and signs on the page of their own.
    sign_in("olga")
    assert ask("/people/handovers")[0] == 403 and ask(f"/handovers/{ours}/sign")[0] == 403
    for language, title in (("ko", "인수인계"), ("en", "Handovers")):
        browser.get(site + f"/?lang={language}")
        browser.get(site + "/.privet/handovers")
        assert find("h1").text == title, find("h1").text
        judged(("own page", language))
    assert len(browser.find_elements(By.CSS_SELECTOR, "form button")) == 2
    assert "complaint 17" in find("main").text
    status, text, _ = ask("/.privet/handovers", {"act": "sign", "handover": ours, "form": "AAAA"})
    assert status == 403, text
    for _ in range(2):
        press(find("form button"))
    assert not browser.find_elements(By.CSS_SELECTOR, "form button"), find("main").text
    assert find("main").text.count("Both have signed") == 2
finally:
    browser.quit()
