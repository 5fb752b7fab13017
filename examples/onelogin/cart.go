package main

import (
	"net/http"
	"slices"

	"github.com/djsess/djsess/djsession"
)

var shop = []string{"tea", "coffee", "cake"}

// cart maps an item to its quantity, as Django's views keep it in the session.
type cart map[string]int

// line is a line of the cart's page.
type line struct {
	Item     string
	Quantity int
}

func (s *service) showCart(w http.ResponseWriter, r *http.Request, sess *djsession.Session) error {
	c, err := djsession.GetOr(sess, "cart", cart{})
	if err != nil {
		return err
	}
	var lines []line
	for _, item := range shop {
		lines = append(lines, line{item, c[item]})
	}
	return render(w, "cart.html", lines)
}

// changeCart changes one line of the cart. If another request of the visitor has changed the cart in between, the function in
// Apply runs again on the cart that this request left.
func (s *service) changeCart(w http.ResponseWriter, r *http.Request, sess *djsession.Session) error {
	item, by := r.PostFormValue("item"), -1
	if r.PostFormValue("by") == "1" {
		by = 1
	}
	if !slices.Contains(shop, item) {
		http.Error(w, "no such item", http.StatusBadRequest)
		return nil
	}
	err := sess.Apply(func(v *djsession.Values) error {
		c, err := djsession.GetOr(v, "cart", cart{})
		if err != nil {
			return err
		}
		return v.Set("cart", c.add(item, by))
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/go/cart", http.StatusSeeOther)
	return nil
}

func (c cart) add(item string, by int) cart {
	if c[item] += by; c[item] <= 0 {
		delete(c, item)
	}
	return c
}
