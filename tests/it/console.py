"""Chromium walks the console as each role, in both languages and both themes; what it finds is judged by axe and by the browser itself."""
shots, shown = sys.argv[4:6]
OPERATOR = ["/", "/findings", "/logins", "/bans", "/state"]
DEEDS = ["/bans/add", "/bans/lift?address=192.0.2.7"]
OFFICER = OPERATOR + ["/policy", "/incidents", "/incidents/1", "/people", "/people/grants", "/people/handovers", "/people/reviews",
    "/people/due", "/disclosures", "/sessions", "/map"]
OFFICER_DEEDS = DEEDS + ["/policy/look", "/handovers/start", "/reviews/open", "/incidents/1/confirm", "/incidents/1/measure", "/incidents/1/note", "/disclosures/person"]


def shot(name, path, language, scheme):
    if shots:
        theme(scheme)
        look(path, language)
        browser.save_screenshot(f"{shots}/{name}.png")


try:
    # Nobody is shown anything.
    browser.get(site + "/incidents")
    until("sent to sign in", lambda: "/.privet/sign-in?return=" in browser.current_url)

    sign_in("mark")
    walk(OFFICER + DEEDS, 403)
    assert ask("/bans/lift", {"form": "x", "address": "192.0.2.7"})[0] == 403

    sign_in("olga")
    walk(OPERATOR + DEEDS)
    for path in [path for path in OFFICER + OFFICER_DEEDS if path not in OPERATOR + DEEDS]:
        look(path, "en", 403)
    assert ask("/incidents/1/confirm", {"form": token("/bans/add"), "reason": "x", "sure": "1"})[0] == 403
    # What she may do is a form that must come from her own page.
    lift = {"address": "192.0.2.7", "sure": "1"}
    own = token("/bans/lift?address=192.0.2.7")
    refused = [
        ask("/bans/lift", lift),
        ask("/bans/lift", {**lift, "form": "AAAA"}),
        ask("/bans/lift", {**lift, "form": token("/bans/add")}),
        ask("/bans/lift", {**lift, "form": own}, {"Origin": "https://evil.example"}),
        ask("/bans/lift", {**lift, "form": own}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    assert [answer[0] for answer in refused] == [403] * 5, refused
    assert "192.0.2.7" in ask("/bans")[1]
    browser.get(site + "/bans/lift?address=192.0.2.7&lang=en")
    press(button("Go on"))
    assert "gets through again" in find(".note").text
    judged("confirmation")
    press(button("Yes, do it"))
    assert "written down in your name" in find(".done").text
    assert "192.0.2.7" not in find("main").text

    sign_in("two")
    assert ask("/grants/" + shown + "/confirm")[0] == 200
    walk(OFFICER + OFFICER_DEEDS)
    # A title is text.
    look("/incidents/1", "en")
    assert "<i>pages</i>" in find("h1").text and not browser.find_elements(By.CSS_SELECTOR, "main i")
    # The policy is looked at again, and says why it stands so.
    browser.get(site + "/policy/look?lang=en")
    press(button("Yes, do it"))
    assert len(browser.find_elements(By.CSS_SELECTOR, "section.clause")) > 5
    assert browser.find_elements(By.CSS_SELECTOR, "details dd")
    walk(["/", "/policy"])
    # What is proposed is confirmed by the other officer, after a page that says what that means.
    browser.get(site + "/people/grants?lang=en")
    press(browser.find_element(By.LINK_TEXT, "Confirm"))
    assert "ann: privacy-officer" in find(".note").text
    press(button("Yes, do it"))
    assert not browser.find_elements(By.LINK_TEXT, "Confirm")
    # A measure is tried out first.
    browser.get(site + "/incidents/1/measure?lang=en")
    find("#measure").find_element(By.CSS_SELECTOR, "option[value=suspend]").click()
    find("#target").send_keys("mark")
    find("#reason").send_keys("drill")
    press(button("Go on"))
    assert "Sessions that end now" in find(".note").text
    press(button("Yes, do it"))
    assert "suspend a person" in find("main").text
    press(browser.find_element(By.LINK_TEXT, "Lift"))
    find("#reason").send_keys("drill over")
    press(button("Go on"))
    press(button("Yes, do it"))
    # The case is confirmed; its clocks are there.
    browser.get(site + "/incidents/1/confirm?lang=en")
    find("#reason").send_keys("pages were copied")
    press(button("Go on"))
    assert "Case 1" in find(".note").text
    press(button("Yes, do it"))
    assert "left" in find("main table").text
    # Whose data somebody's was is looked up by a form, and their name is in no URL.
    look("/disclosures", "en")
    assert "mark" in find("table").text
    browser.get(site + "/disclosures/person?lang=en")
    find("#id").send_keys("3")
    press(button("Go on"))
    press(button("Yes, do it"))
    assert "subject=" in browser.current_url and "mark" in find("table").text
    judged("one person")
    csv, lines = ask("/disclosures?format=csv")[1], ask("/disclosures?format=jsonl")[1]
    assert csv.startswith("\ufeffrecord,time,request_id,person") and ",mark," in csv, csv
    assert any(json.loads(line)["person"] == "mark" for line in lines.splitlines()), lines
    # Lists are searched, sorted and taken along.
    assert ask("/people?q=olga")[1].count("<tr>") == 2 and "olga" in ask("/people?q=olga&format=csv")[1]
    names = re.findall('<th scope="row">([a-z]+)</th>', ask("/people?sort=-person")[1])
    assert names == sorted(names, reverse=True) and len(names) > 3, names
    # A session is ended, by its handle.
    browser.get(site + "/sessions?q=olga&lang=en")
    press(browser.find_element(By.LINK_TEXT, "End"))
    assert "olga" in find(".note").text
    press(button("Yes, do it"))
    # The language is kept; a page that is live asks again by itself, and can be stopped.
    look("/state", "ko")
    browser.get(site + "/state")
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "ko"
    assert ask("/?live=on")[2]["Refresh"] == "10" and ask("/")[2]["Refresh"] is None
    status, _, headers = ask("/incidents")
    assert headers["X-Frame-Options"] == "DENY" and headers["Cache-Control"] == "no-store" and "script" not in headers["Content-Security-Policy"]
    shot("overview", "/", "en", "light")
    shot("incident", "/incidents/1", "ko", "light")
    shot("policy", "/policy", "en", "dark")
    shot("disclosures", "/disclosures", "en", "light")
finally:
    browser.quit()
