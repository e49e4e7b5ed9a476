//! Files that git ignores, which are each developer's own.

use super::*;

#[test]
fn a_file_that_holds_nothing_but_variables_is_one_of_variables_whatever_it_is_called() {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let of = |text: &str| {
        let files = [("inn.conf.example", "# INN_DBNAME=inn\n"), ("inn.conf", text)];
        let files = files.iter().map(own).collect();
        let tracked = ["inn.conf.example".to_owned()].into();
        detect(&Seen { files, tracked, ..Seen::default() })
    };
    let project = of("# own\nINN_DBNAME=inn\nINN_REDIS=redis://localhost:6379/2\n");
    assert_eq!(project.copy, ["inn.conf"]);
    let parts = project.services.iter().map(|service| service.main.as_str());
    assert_eq!(parts.collect::<Vec<_>>(), ["inn", "2"]);
    // Another kind of settings.
    let project = of("[redis]\nurl = redis://localhost:6379/2\n");
    assert_eq!((project.copy.len(), project.services.len()), (0, 0));
}
