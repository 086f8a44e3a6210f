use super::says_nothing_found;

#[test]
fn sentences_that_deny_what_the_documents_hold_are_told() {
    for text in [
        "The passages do not answer this question.",
        "The documents don’t explicitly mention who painted it.",
        "The provided text doesn't specify the price.",
        "Unfortunately, the documents you provided do not contain any information about it.",
        "Your documents do not say.",
        "The selected text does not answer this question.",
        "The context is not sufficient to answer.",
        "The passages contain no information on the price.",
        "None of the passages mentions the price.",
        "No document names the painter.",
        "There is no information about the price in the documents.",
        "There is not enough information to answer.",
        "No information about the price was found.",
        "The price is not mentioned in the passages.",
        "The name of the painter cannot be found in the provided sources.",
        "In the given passages, the price of the pump is never named and not mentioned.",
        "I could not find an answer in the documents.",
        "I'm sorry, but I can't answer this question.",
        "Based on the provided passages, I am unable to determine the price.",
        "Based on the context, it is not possible to determine the price.",
        "I don't know.",
        "Die Dokumente enthalten keine Angabe dazu.",
        "Die Passagen beantworten die Frage nicht.",
        "Die Dokumente sagen nicht, wer es gemalt hat.",
        "Keine der Passagen nennt den Preis.",
        "Der Preis wird in den Dokumenten nicht erwähnt.",
        "Im Text steht nichts über den Preis.",
        "Leider gibt es dazu keine Informationen.",
        "Ich konnte die Antwort nicht finden.",
        "Diese Frage kann anhand der Dokumente nicht beantwortet werden.",
    ] {
        assert!(says_nothing_found(text), "{text}");
    }
}

#[test]
fn sentences_that_share_words_with_such_a_denial_are_claims() {
    for text in [
        "The textile mill was unable to pay.",
        "The source code does not include tests.",
        "The context menu does not contain the command.",
        "The sources of the Nile were not found until 1858.",
        "The option is not mentioned in the source code.",
        "The document was not found in the archive of the city.",
        "The contextual search cannot find short words.",
        "According to the documents, the mill had no information office.",
        "She gave no answer about the money.",
        "The informationless report did not answer anyone.",
        "The pump stops at 7.1 mm/s, but the passages do not mention its price.",
        "The pump of the second hall weighs nine tons, and the passages do not mention its price.",
        "Die Textilfabrik konnte nicht zahlen.",
        "Die Pumpe kann nicht laufen.",
        "Der Quelltext enthält keine Tests.",
        "Stop the pump above 7.1 mm/s.",
    ] {
        assert!(!says_nothing_found(text), "{text}");
    }
}
